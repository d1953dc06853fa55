import { join } from "node:path";
import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { assertSameNetcdf, containers, FIXTURES, readContainer, tempFolder, unpackCases } from "./testing.ts";
import type { DatasetDraft } from "../../src/kit/drafts.ts";

const Cases = z.array(
  z.object({ tuid: z.string(), path: z.string(), name: z.string(), files: z.array(z.string()) }),
);
const CASES = Cases.parse(JSON.parse(Deno.readTextFileSync(join(FIXTURES, "expected/cases.json"))));
const DATA = join(FIXTURES, "quantify-data");
const SYNCHRONIZED_AS_IS = ["720897", "2f7462"];
const FLAT = ["156fd0", "6c022e"];

const fileOf = (draft: DatasetDraft, name: string) => {
  const file = draft.files.find((f) => f.name === name);
  assert(file, `${name} is missing`);
  return file;
};

Deno.test("every fixture container: its files under their names, its data like the truth", async () => {
  await using staging = await tempFolder();
  assertEquals(containers(DATA), CASES.map((c) => c.path).sort(), "all others are unmatched");
  for (const { tuid, path, name, files } of CASES) {
    const folder = join(staging.path, tuid);
    await Deno.mkdir(folder);
    const draft = await readContainer(DATA, path, folder);
    const visible = files.filter((f) => !f.startsWith("."));
    assertEquals(draft.files.map((f) => f.name), visible.map((f) => f.replaceAll("/", ".")).sort(), path);
    assertEquals(draft.files.map((f) => f.filename).sort(), visible.map((f) => f.split("/").at(-1)).sort());
    assertEquals([draft.name, draft.alt_uid], [name || tuid, tuid]);
    assertEquals(draft.attributes, { "set-up": "fridge" });
    assertEquals([draft.skips, draft.logs, draft.state], [[], [], "complete"]);

    const ending = tuid.slice(-6);
    const asIs = SYNCHRONIZED_AS_IS.includes(ending);
    assertEquals(
      draft.problems?.map((p) => [p.class, p.code]),
      asIs ? [["data", "unreadable_hdf5"]] : [],
      path,
    );
    for (const f of draft.files) {
      const isConverted = f.filename.endsWith(".hdf5") && !asIs;
      assertEquals(f.file_generator, isConverted ? "Quantify" : undefined);
      assertEquals([f.type, f.staged], isConverted ? ["HDF5_NETCDF", true] : ["auto", false], f.name);
    }
    if (asIs) assertEquals(fileOf(draft, "dataset.hdf5").path, join(DATA, path, "dataset.hdf5"));
    if (asIs || !files.includes("dataset.hdf5") || ending === "6c022e") continue;
    const truth = join(FIXTURES, "expected", `${tuid}.${FLAT.includes(ending) ? "loaded" : "gridded"}.nc`);
    await assertSameNetcdf(fileOf(draft, "dataset.hdf5").path, truth, path);
  }
});

Deno.test("fields of a dataset: time with milliseconds, labels of variables and coordinates", async () => {
  await using staging = await tempFolder();
  const draft = await readContainer(DATA, "20241105/20241105-141845-362-b0fd56-T1", staging.path);
  assertEquals(draft.collected, "2024-11-05T13:18:45.362000+00:00");
  assertEquals([...draft.keywords].sort(), ["Signal level", "Time"]);
  const source = await Deno.stat(join(DATA, "20241105/20241105-141845-362-b0fd56-T1/dataset.hdf5"));
  assertEquals(fileOf(draft, "dataset.hdf5").created, source.mtime?.getTime());
});

Deno.test("an uncertainty is marked on both sides", async () => {
  await using staging = await tempFolder();
  const draft = await readContainer(
    DATA,
    "20241107/20241107-142415-532-52b3a2-with uncertainty",
    staging.path,
  );
  const { variables } = await netcdfContent(fileOf(draft, "dataset.hdf5").path);
  const marks = Object.entries(variables).map((
    [name, v],
  ) => [name, v.attributes.__std, v.attributes.__is_std]);
  assertEquals(marks, [["x0", undefined, undefined], ["y0", "y0_u", undefined], ["y0_u", undefined, 1n]]);
});

Deno.test("dataset version 2: flat, its attributes decoded", async () => {
  await using staging = await tempFolder();
  const draft = await readContainer(DATA, "20241107/20241107-191248-549-6c022e-v2 set", staging.path);
  assertEquals(draft.keywords, ["Amplitude", "Population"]);
  const { variables, groups } = await netcdfContent(fileOf(draft, "dataset.hdf5").path);
  assertEquals(variables.pop_q0?.dims, ["repetitions", "main_dim"]);
  assertEquals(variables.pop_q0?.values.length, 15);
  const { _FillValue: _, ...attributes } = variables.pop_q0?.attributes ?? {};
  assertEquals(attributes, {
    unit: "",
    long_name: "Population",
    is_main_var: 1,
    coords: "amp",
    uniformly_spaced: 1,
    json_serialize_exclude: new Float64Array(0),
    coordinates: "amp",
  });
  assertEquals([groups[""]?.dataset_state, groups[""]?.software_versions], ["done", "{}"]);
  assertEquals("timestamp_start" in (groups[""] ?? {}), false, "null has no place in netCDF");
});

Deno.test("older layouts: netCDF-3, a blank before the name, integer setpoints", async () => {
  await using staging = await tempFolder();
  const root = join(FIXTURES, "old_layouts/quantify-data");
  const paths = containers(root);
  assertEquals(paths.length, 3);
  for (const path of paths) {
    const tuid = path.slice(9, 35);
    const folder = join(staging.path, tuid);
    await Deno.mkdir(folder);
    const draft = await readContainer(root, path, folder);
    assertEquals(draft.name, path.slice(36));
    assertEquals([draft.files.map((f) => f.name), draft.problems], [["dataset.hdf5", "snapshot.json"], []]);
    const truth = join(FIXTURES, "old_layouts/expected", `${tuid}.gridded.nc`);
    await assertSameNetcdf(fileOf(draft, "dataset.hdf5").path, truth, path);
  }
});

Deno.test("containers of all shapes come out as quantify-core arranges them", async () => {
  await using cases = await unpackCases();
  const root = join(cases.path, "quantify-data");
  const paths = containers(root);
  assert(paths.length > 40, "cases are missing");
  for (const path of paths) {
    const tuid = path.slice(9, 35);
    const staging = join(cases.path, tuid);
    await Deno.mkdir(staging);
    const draft = await readContainer(root, path, staging, { timeZone: "UTC" });
    assertEquals([draft.problems, draft.logs], [[], []], path);
    await assertSameNetcdf(
      fileOf(draft, "dataset.hdf5").path,
      join(cases.path, "expected", `${tuid}.nc`),
      path,
    );
  }
});

Deno.test("equal input gives equal bytes", async () => {
  await using staging = await tempFolder();
  const read = async (name: string) => {
    const folder = join(staging.path, name);
    await Deno.mkdir(folder);
    const draft = await readContainer(DATA, "20241106/20241106-235836-481-5497a2-3d", folder);
    return await Deno.readFile(fileOf(draft, "dataset.hdf5").path);
  };
  assertEquals(await read("a"), await read("b"));
});
