import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "../../tests/assert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { treeListing } from "../../tests/tree_listing.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { LabelledArray, LabelledDataset } from "../../src/kit/labelled.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import { copyFixture, readContainer, type ReadOptions, tempFolder, TUID, withContainer } from "./testing.ts";

const T1 = `quantify-data/20241105/${TUID}-T1`;
const MAIN = { fixture: `${T1}/dataset.hdf5` };
const BROKEN = { fixture: "quantify-data/20241108/20241108-044954-583-720897-broken file/dataset.hdf5" };

/** Reads a container that holds these files. */
async function read(
  name: string,
  files: Parameters<typeof withContainer>[1],
  options: ReadOptions = {},
  prepare: (folder: string) => Promise<void> | void = () => {},
) {
  await using staging = await tempFolder();
  let draft: Awaited<ReturnType<typeof readContainer>> | undefined;
  await withContainer(name, files, async ({ root, relative, folder }) => {
    await prepare(folder);
    draft = await readContainer(root, relative, staging.path, options);
  });
  assert(draft);
  const bytes = new Map(
    draft.files.filter((f) => f.staged).map((f) => [f.name, Deno.readFileSync(f.path)] as const),
  );
  return { draft, names: draft.files.map((f) => f.name), bytes };
}

async function failure(promise: Promise<unknown>): Promise<SyncError> {
  const e = await assertRejects(() => promise);
  assert(e instanceof SyncError, e.stack);
  return e;
}

Deno.test("the name: of the folder, else stored in the file, else the TUID", async () => {
  const named = async (folder: string, files: Parameters<typeof withContainer>[1]) =>
    (await read(folder, files)).draft.name;
  assertEquals(await named(`${TUID}-Größe 数据`, { "dataset.hdf5": MAIN }), "Größe 数据");
  assertEquals(await named(TUID, { "dataset.hdf5": MAIN }), "T1");
  assertEquals(await named(`${TUID}-`, { "dataset.hdf5": MAIN }), "T1");
  const version2 = "quantify-data/20241107/20241107-191248-549-6c022e-v2 set/dataset.hdf5";
  assertEquals(await named(TUID, { "dataset.hdf5": { fixture: version2 } }), "v2 set");
  assertEquals(await named(TUID, { "a.hdf5": { fixture: version2 }, "dataset.hdf5": MAIN }), "T1");
  assertEquals(await named(TUID, { "dataset.hdf5": BROKEN }), TUID);
  assertEquals(await named(TUID, {}), TUID);
});

Deno.test("an empty container is a dataset without files", async () => {
  const { draft } = await read(`${TUID}-nothing yet`, {});
  assertEquals([draft.name, draft.files, draft.keywords, draft.problems], ["nothing yet", [], [], []]);
});

Deno.test("several HDF5 files: each is converted, all above the analyses give keywords", async () => {
  const random = "quantify-data/20241105/20241105-235551-396-156fd0-two settables random/dataset.hdf5";
  const { draft, names } = await read(`${TUID}-many`, {
    "dataset.hdf5": MAIN,
    "second.H5": { fixture: random },
    "analysis_A/deep/er/fit.hdf5": { fixture: `${T1}/analysis_BasicAnalysis/dataset_processed.hdf5` },
    "other/kept.hdf5": MAIN,
    "analysis_A/figs/a b.svg": "<svg/>",
    ".hidden": "x",
    "analysis_A/.DS_Store": "x",
    "_QH_dataset_info.yaml": "",
  });
  assertEquals(names, [
    "analysis_A.deep.er.fit.hdf5",
    "analysis_A.figs.a b.svg",
    "dataset.hdf5",
    "other.kept.hdf5",
    "second.H5",
  ]);
  assertEquals(draft.files.map((f) => f.type), ["HDF5_NETCDF", "auto", "HDF5_NETCDF", "auto", "HDF5_NETCDF"]);
  assertEquals(draft.keywords.toSorted(), [
    "In-phase",
    "Magnitude",
    "Plunger 1",
    "Plunger 2",
    "Quadrature",
    "Signal level",
    "Time",
  ]);
});

Deno.test("two files of one name: the first is uploaded, the second is a problem", async () => {
  const { draft, names } = await read(`${TUID}-twice`, {
    "analysis_A/b.txt": "1",
    "analysis_A.b.txt": "2",
    [`${TUID}-c.txt`]: "3",
    "c.txt": "4",
  });
  assertEquals(names, ["analysis_A.b.txt", "c.txt"]);
  assertEquals(draft.problems?.map((p) => p.code), ["duplicate_file_name", "duplicate_file_name"]);
});

Deno.test("upload_raw: the original bytes as raw.<name>, for converted files only", async () => {
  const files = { "dataset.hdf5": MAIN, "snapshot.json": "{}", "broken.hdf5": BROKEN };
  const { draft, names, bytes } = await read(`${TUID}-raw`, files, { config: { upload_raw: true } });
  assertEquals(names, ["broken.hdf5", "dataset.hdf5", "raw.dataset.hdf5", "snapshot.json"]);
  const raw = draft.files[2];
  assertEquals([raw?.filename, raw?.type, raw?.file_generator], ["dataset.hdf5", "auto", undefined]);
  const original = await Deno.readFile(
    new URL(`../../tests/fixtures/quantify/${T1}/dataset.hdf5`, import.meta.url),
  );
  assertEquals(bytes.get("raw.dataset.hdf5"), original);
});

Deno.test("half-written files are waited for, old ones uploaded as they are", async () => {
  const half = { "dataset.hdf5": BROKEN, "text.hdf5": "this is no HDF5", "empty.hdf5": "" };
  for (const name of ["dataset.hdf5", "text.hdf5", "empty.hdf5"] as const) {
    const file = { [name]: half[name] };
    const e = await failure(read(`${TUID}-half`, file, { now: Date.now() }));
    assertEquals([e.class, e.code], ["busy", "hdf5_half_written"], name);
    assertMatch(e.message, new RegExp(`20241105/${TUID}-half/${name}`), "the user's file is named");
    const { draft } = await read(`${TUID}-half`, { ...file, "a.txt": "a" });
    assertEquals(draft.problems?.map((p) => p.code), ["unreadable_hdf5"], name);
    assertEquals(
      draft.files.map((f) => [f.name, f.staged, f.type]).sort(),
      [
        ["a.txt", false, "auto"],
        [name, false, "auto"],
      ].sort(),
    );
  }
  const old = (folder: string) => Deno.utime(join(folder, "dataset.hdf5"), 1e9, 1e9);
  const { draft } = await read(`${TUID}-old`, { "dataset.hdf5": BROKEN }, { now: Date.now() }, old);
  assertEquals(draft.problems?.length, 1);
});

Deno.test("a sound file is read however fresh it is", async () => {
  const { draft } = await read(`${TUID}-fresh`, { "dataset.hdf5": MAIN }, { now: Date.now() });
  assertEquals(draft.files[0]?.type, "HDF5_NETCDF");
});

Deno.test("HDF5 that is no netCDF is uploaded as it is, with a log; an unknown filter is an error", async () => {
  const hdf5 = (name: string) =>
    Deno.readFileSync(new URL(`../../tests/fixtures/hdf5/${name}`, import.meta.url));
  const { draft } = await read(`${TUID}-plain`, { "types.h5": hdf5("types.h5"), "dataset.hdf5": MAIN });
  assertEquals(draft.files.map((f) => [f.name, f.type]), [["dataset.hdf5", "HDF5_NETCDF"], [
    "types.h5",
    "auto",
  ]]);
  assertEquals([draft.logs?.map((l) => l.code), draft.problems], [["not_netcdf"], []]);
  const filtered = await read(`${TUID}-filter`, { "zstd.hdf5": hdf5("nc4_zstd.nc") });
  assertEquals(filtered.draft.files.map((f) => [f.name, f.staged]), [["zstd.hdf5", false]]);
  assertEquals(filtered.draft.problems?.map((p) => p.code), ["unreadable_hdf5"]);
  assertMatch(filtered.draft.problems?.[0]?.message ?? "", /filter/);
});

Deno.test("a name that is no TUID is refused", async () => {
  const e = await failure(read("not-a-tuid", {}));
  assertEquals([e.class, e.code], ["data", "not_a_container"]);
});

Deno.test("hours that occur twice or never are settled with one log; a day without calendar takes its files' time", async () => {
  const at = async (tuid: string) => {
    const { draft } = await read(
      `${tuid}-abc123-n`,
      { "a.txt": "a" },
      {},
      (folder) => Deno.utime(join(folder, "a.txt"), 1e9, 1e9),
    );
    return [draft.collected, draft.logs?.map((l) => l.code)];
  };
  assertEquals(await at("20241027-023000-001"), ["2024-10-27T00:30:00.001000+00:00", ["time_ambiguous"]]);
  assertEquals(await at("20250330-022900-000"), ["2025-03-30T01:29:00.000000+00:00", ["time_gap"]]);
  assertEquals(await at("20230229-022900-000"), ["2001-09-09T01:46:40.000000+00:00", ["time_unusable"]]);
});

Deno.test({
  name: "links inside the source are read through, others skipped",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { draft, names } = await read(`${TUID}-links`, { "real.hdf5": MAIN }, {}, async (folder) => {
      await Deno.symlink("real.hdf5", join(folder, "dataset.hdf5"));
      await Deno.symlink("/etc/hostname", join(folder, "out.txt"));
    });
    assertEquals(names, ["dataset.hdf5", "real.hdf5"]);
    assertEquals(draft.files.map((f) => f.type), ["HDF5_NETCDF", "HDF5_NETCDF"]);
    assertEquals(draft.skips?.map((s) => [s.path, s.reason]), [["out.txt", "symlink_outside_root"]]);
  },
});

Deno.test("reading changes nothing in the source", async () => {
  await using source = await copyFixture("quantify-data");
  await using staging = await tempFolder();
  const before = treeListing(source.path);
  for (
    const [i, path] of [`20241105/${TUID}-T1`, "20241108/20241108-044954-583-720897-broken file"].entries()
  ) {
    const folder = join(staging.path, String(i));
    await Deno.mkdir(folder);
    await readContainer(source.path, path, folder);
  }
  assertEquals(treeListing(source.path), before);
});

Deno.test("groups of a file stay with it", async () => {
  await using temp = await tempFolder();
  const point = (name: string, values: number[], role: LabelledArray["role"]): LabelledArray => ({
    name,
    dims: ["dim_0"],
    shape: [values.length],
    dtype: "f8",
    data: Float64Array.from(values),
    attrs: {},
    role,
  });
  const dataset: LabelledDataset = {
    arrays: [point("x0", [2, 1], "coordinate"), point("y0", [3, 4], "data")],
    attrs: {},
    groups: { fit: { arrays: [point("y9", [5, 6, 7], "data")], attrs: { model: "exp" } } },
  };
  await writeNetcdf(join(temp.path, "in.hdf5"), dataset);
  await withContainer(
    `${TUID}-groups`,
    { "dataset.hdf5": Deno.readFileSync(join(temp.path, "in.hdf5")) },
    async (s) => {
      const draft = await readContainer(s.root, s.relative, temp.path);
      const { variables, groups } = await netcdfContent(draft.files[0]?.path ?? "");
      assertEquals([variables.y0?.dims, variables.x0?.values], [["x0"], [2, 1]]);
      assertEquals([variables["fit/y9"]?.values, groups.fit], [[5, 6, 7], { model: "exp" }]);
    },
  );
});
