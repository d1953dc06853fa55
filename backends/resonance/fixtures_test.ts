/** Every run of the fixtures against what Python's sqlite3 and zarr read. */
import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { type ReadRun, ResonanceReader } from "../../tests/read_resonance.ts";
import { decodeNpy } from "../../src/kit/npy.ts";

const FIXTURES = new URL("../../tests/fixtures/resonance/", import.meta.url).pathname;

const Truth = z.object({
  runs: z.array(z.object({
    uid: z.string(),
    plan_name: z.string(),
    time_start: z.number(),
    exit_status: z.string().nullable(),
    sample_name: z.string(),
    streams: z.record(
      z.string(),
      z.object({
        data_keys: z.record(z.string(), z.record(z.string(), z.unknown())),
        events: z.array(z.object({
          seq_num: z.number(),
          time: z.number(),
          data: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
          timestamps: z.record(z.string(), z.number()),
        })),
      }),
    ),
    images: z.record(z.string(), z.array(z.object({ seq_num: z.number(), dtype: z.string() }))),
  })),
});
type TrueRun = z.infer<typeof Truth>["runs"][number];
type TrueStream = TrueRun["streams"][string];

function assertStream(
  read: ReadRun,
  name: string,
  { data_keys, events }: TrueStream,
  images: string[],
): void {
  const file = read.netcdf[name];
  const variable = (v: string) => {
    const found = file?.variables[v];
    assertEquals(found?.dims, ["event"], `${name}: ${v}`);
    return found;
  };
  assertEquals(variable("seq_num")?.values, events.map((e) => BigInt(e.seq_num)));
  assertEquals(variable("time")?.values, events.map((e) => e.time));
  for (const [field, key] of Object.entries(data_keys)) {
    if (images.includes(field)) {
      assert(!file?.variables[field], `${field} is no variable of ${name}`);
      continue;
    }
    const found = variable(field);
    // The truth writes NaN as text.
    const expected = events.map((e) => field in e.data ? Number(e.data[field]) : NaN);
    assertEquals(Array.from(found?.values ?? [], Number), expected, `${name}: ${field}`);
    if (key.units !== undefined) assertEquals(found?.attributes.units, key.units);
    if (key.source !== undefined) assertEquals(found?.attributes.source, key.source);
    if (key.dtype === "boolean") assertEquals(found?.attributes.dtype, "bool");
    if (!events.some((e) => field in e.timestamps)) continue;
    assertEquals(variable(`${field}_timestamp`)?.values, events.map((e) => e.timestamps[field] ?? NaN));
  }
}

const DTYPES: Record<string, string> = { int32: "i4", float32: "f4", float64: "f8" };

function assertImages(read: ReadRun, store: string, run: TrueRun): void {
  const read_fields = Object.keys(read.netcdf).filter((name) => name.startsWith("images/"));
  assertEquals(read_fields.sort(), Object.keys(run.images).map((field) => `images/${field}`).sort());
  const times = new Map(Object.values(run.streams).flatMap((s) => s.events).map((e) => [e.seq_num, e.time]));
  for (const [field, refs] of Object.entries(run.images)) {
    const variables = read.netcdf[`images/${field}`]?.variables ?? {};
    const npy = decodeNpy(
      Deno.readFileSync(`${FIXTURES}expected/${store}.${run.uid.slice(0, 8)}.${field}.npy`),
    );
    assertEquals(variables[field]?.dims, ["frame", "row", "col"]);
    assertEquals(variables[field]?.shape, npy.shape);
    assertEquals(variables[field]?.values, Array.from(npy.values as ArrayLike<unknown>));
    assertEquals(variables[field]?.dtype, DTYPES[refs[0]?.dtype ?? ""]);
    assertEquals(variables.seq_num?.values, refs.map((ref) => BigInt(ref.seq_num)));
    assertEquals(variables.time?.values, refs.map((ref) => times.get(ref.seq_num)));
  }
}

for (const store of ["2026-03-05", "2026-03-05_zarr2"]) {
  Deno.test(`all runs of ${store} equal what Python reads`, async (t) => {
    using reader = new ResonanceReader({ database_path: `${FIXTURES}${store}.db`, set_up: "BL 11" });
    const { runs } = Truth.parse(JSON.parse(Deno.readTextFileSync(`${FIXTURES}expected/${store}.json`)));
    const { items } = await reader.discover();
    assertEquals(items.map((i) => i.identifier).sort(), runs.map((run) => run.uid).sort());
    for (const run of runs) {
      await t.step(`${run.plan_name} ${run.exit_status}`, async () => {
        const read = await reader.run(run.uid);
        const { draft } = read;
        assertEquals(draft.alt_uid, run.uid);
        assertEquals(draft.name, `${run.plan_name} ${run.sample_name}`);
        assertEquals(Date.parse(draft.collected) / 1000, run.time_start);
        assertEquals(draft.attributes.exit_status, run.exit_status ?? undefined);
        assertEquals(draft.state, run.exit_status === null ? "incomplete" : "complete");
        assertEquals([draft.problems, draft.logs], [undefined, undefined]);
        for (const [name, stream] of Object.entries(run.streams)) {
          assertStream(read, name, stream, Object.keys(run.images));
        }
        assertImages(read, store, run);
      });
    }
  });
}

Deno.test("metadata of a run become attributes, keywords, description and run.json", async () => {
  using reader = new ResonanceReader({ database_path: `${FIXTURES}2026-03-05.db`, set_up: "BL 11" });
  const { draft } = await reader.run("7a219f9355027fdb624b99476a165856");
  assertEquals(draft.attributes, {
    sample: "PS-thin-film",
    formula: "C8H8",
    serial: "S1234",
    beamline_pos: "A3",
    operator: "AB",
    exit_status: "success",
    beamtime: "2026-03-05",
    "set-up": "BL 11",
    edge: "C K",
    polarization: 90,
  });
  assertEquals(draft.keywords, [
    ...["en_scan", "polymer", "reference"],
    ...["Beamline Energy", "Photodiode", "shutter"],
  ]);
  assertEquals(
    draft.description,
    "database : 2026-03-05.db | run UID : 7a219f9355027fdb624b99476a165856 | plan : en_scan | number of events : 6",
  );
  assertEquals(draft.files.map((f) => [f.name, f.filename, f.type]), [
    ["run", "run.json", "JSON"],
    ["primary", "primary.hdf5", "HDF5_NETCDF"],
    ["images/detector_image", "detector_image.hdf5", "HDF5_NETCDF"],
  ]);
  const document = JSON.parse(Deno.readTextFileSync(draft.files[0]?.path ?? ""));
  assertEquals(document.run.metadata, { operator: "AB", edge: "C K", polarization: 90 });
  assertEquals([document.sample.name, document.sample.extra], ["PS-thin-film", { thickness_nm: 35 }]);
  assertEquals(document.streams.primary.data_keys.Photodiode, { dtype: "number", units: "A" });
});

Deno.test("a folder gives the runs of all its databases, and names the files that are none", async () => {
  using reader = new ResonanceReader({ data_directory: FIXTURES.slice(0, -1) });
  const { items, unmatched } = await reader.discover();
  assertEquals(items.length, 15);
  const old = items.find((i) => i.identifier === "old_schema_v1.db#aa000000000000000000000000000000");
  assert(old);
  assertEquals(unmatched, [
    { path: "index.db", reason: "is_master_index" },
    { path: "not_a_beamtime.db", reason: "sqlite_not_a_database" },
  ]);
  const { draft } = await reader.run(old.identifier);
  assertEquals([draft.name, draft.attributes], ["en_scan old", {
    sample: "old",
    operator: "OP",
    exit_status: "success",
    beamtime: "old_schema_v1",
  }]);
  assertEquals(draft.files.map((f) => f.name), ["run"]);
});
