import { basename, join } from "node:path";
import { z } from "zod";
import { assertEquals } from "../../tests/assert.ts";
import { assertNetcdfEqual } from "../../tests/netcdf_equal.ts";
import { DATA, fileOf, filesBelow, LABBER, logsBelow, MORE, readLog, tempFolder } from "./testing.ts";

const Facts = z.array(z.object({
  path: z.string(),
  error: z.string().optional(),
  attrs: z.record(z.string(), z.unknown()).optional(),
  tags: z.record(z.string(), z.array(z.string())).nullish(),
  logs: z.array(z.object({
    completed: z.boolean(),
    channel_names: z.array(z.array(z.string())),
    log_list: z.array(z.string()),
    step_list: z.array(z.string()),
    units: z.record(z.string(), z.string()),
    netcdf: z.string(),
  })).optional(),
}));
const FACTS = Facts.parse(JSON.parse(Deno.readTextFileSync(join(LABBER, "expected/files.json"))));

Deno.test("every log: its fields, its files, its data like the truth", async () => {
  await using temp = await tempFolder();
  const root = join(LABBER, DATA);
  for (const { path, attrs = {}, tags, logs } of FACTS) {
    if (!logs) continue;
    const staging = join(temp.path, basename(path));
    await Deno.mkdir(staging);
    const draft = await readLog(root, path, staging);
    assertEquals(draft.problems, [], path);
    const converted = logs.length === 1 ? ["ds_converted"] : logs.map((_, i) => `ds_converted_${i + 1}`);
    assertEquals(
      draft.files.map((f) => [f.name, f.filename, f.type, f.staged]),
      [
        ["original", "original.hdf5", "HDF5", true],
        ...converted.map((name) => [name, `${name}.hdf5`, "HDF5_NETCDF", true]),
        ["settings", "settings.json", "JSON", true],
        ["instruments", "instruments.json", "JSON", true],
      ],
      path,
    );
    assertEquals(await Deno.readFile(fileOf(draft, "original").path), await Deno.readFile(join(root, path)));
    for (const [i, { netcdf }] of logs.entries()) {
      await assertNetcdfEqual(fileOf(draft, converted[i] ?? "").path, join(LABBER, "expected", netcdf));
    }

    const created = attrs.creation_time;
    assertEquals(draft.name, attrs.log_name);
    assertEquals(draft.alt_uid, created ? `${attrs.log_name}_${created}` : path.replace(".hdf5", ""));
    const seconds = typeof created === "number"
      ? created
      : Deno.statSync(join(root, path)).mtime!.getTime() / 1000;
    assertEquals(Date.parse(draft.collected), Math.floor(seconds * 1000));
    assertEquals(draft.description ?? "", attrs.comment);
    assertEquals(draft.ranking, attrs.star === true ? 1 : 0);
    const { Project: [project] = [], User: [user] = [] } = tags ?? {};
    const named = { ...(project ? { project } : {}), ...(user ? { user } : {}) };
    assertEquals(draft.attributes, { "set-up": "fridge", ...named });
    assertEquals(draft.state, logs.every((log) => log.completed) ? "complete" : "incomplete");

    const channels = logs.flatMap((log) => {
      const names = [...log.channel_names.map(([name = ""]) => name), ...log.log_list];
      return names.flatMap((name) => [name, log.units[name] ?? ""]);
    });
    const keywords = new Set([...Object.values(tags ?? {}).flat(), ...channels].filter((k) => k !== ""));
    assertEquals(draft.keywords.toSorted(), [...keywords].sort(), path);
  }
});

Deno.test("what cannot be read is uploaded as it is, and the item says so", async () => {
  const root = join(LABBER, DATA);
  for (const name of ["empty_live", "truncated"]) {
    await using staging = await tempFolder();
    const path = `2024/06/Data_0602/${name}.hdf5`;
    const draft = await readLog(root, path, staging.path);
    assertEquals(draft.files.map((f) => [f.name, f.filename, f.type]), [[
      "original",
      "original.hdf5",
      "HDF5",
    ]]);
    assertEquals(await Deno.readFile(fileOf(draft, "original").path), await Deno.readFile(join(root, path)));
    assertEquals(draft.problems?.map((p) => [p.class, p.code]), [["data", "unreadable_hdf5"]]);
    assertEquals(draft.problems?.[0]?.message.startsWith(join(root, path)), true);
    assertEquals([draft.name, draft.alt_uid], [name, path.replace(".hdf5", "")]);
  }
});

Deno.test("items are the logs in their day folders, nothing else", () => {
  const root = join(LABBER, DATA);
  const unmatched = filesBelow(root).filter((path) => !logsBelow(root).includes(path));
  assertEquals(unmatched, ["2024/06/Data_0602/.hidden.hdf5", "2024/06/Data_0602/notes.txt"]);
});

Deno.test("further logs: sweeps, traces, names and tags of all kinds, like the truth", async () => {
  await using temp = await tempFolder();
  const root = join(MORE, DATA);
  const cases = z.record(z.string(), z.number()).parse(
    JSON.parse(Deno.readTextFileSync(join(MORE, "expected/cases.json"))),
  );
  assertEquals(logsBelow(root).map((path) => basename(path, ".hdf5")), Object.keys(cases).sort());
  for (const path of logsBelow(root)) {
    const name = basename(path, ".hdf5");
    const staging = join(temp.path, name);
    await Deno.mkdir(staging);
    const draft = await readLog(root, path, staging);
    assertEquals(draft.problems, [], path);
    const count = cases[name] ?? 0;
    const converted = draft.files.filter((f) => f.type === "HDF5_NETCDF");
    assertEquals(converted.length, count);
    for (let n = 1; n <= count; n++) {
      const file = fileOf(draft, count === 1 ? "ds_converted" : `ds_converted_${n}`);
      await assertNetcdfEqual(file.path, join(MORE, "expected", `${name}.log${n}.nc`));
    }
  }
});

Deno.test("reading twice gives equal bytes", async () => {
  const path = "2024/06/Data_0601/2D_scalar.hdf5";
  const bytes = async () => {
    await using staging = await tempFolder();
    const draft = await readLog(join(LABBER, DATA), path, staging.path);
    return await Promise.all(draft.files.map((f) => Deno.readFile(f.path)));
  };
  assertEquals(await bytes(), await bytes());
});
