/** 300 damaged copies of real files: the agent goes on, nothing hangs, every failure says why, sound items are synced. */
import { basename, join } from "node:path";
import { z } from "zod";
import { Agent } from "../../src/engine/agent.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { Workspace, writeDataset, writeQuiet } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { Random } from "./prng.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url).pathname;
const DATABASES = 60;
const HDF5_FILES = 140;
const INFO_FILES = 100;
/** Longest run of one item, ms. */
const PATIENCE = 10_000;

const INFO = `version: "0.1"
dataset_name: Resonator sweep
collected: 2024-03-05T14:07:09
attributes: { sample: SQ1, temperature_K: 0.02 }
tags: [resonator, cooldown]
skip: ["*.tmp"]
converters: { csv_to_hdf5_converter: { module: m, class: CSVToHDF5Converter } }
`;

/** Flips up to eight bits; half of the flips hit the first 4 KiB, where formats keep their structure. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  for (let n = 1 + random.below(8); n > 0 && copy.length > 0; n--) {
    const at = random.below(random.below(2) === 0 ? Math.min(4096, copy.length) : copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  }
  return copy;
}

const Record = z.object({ sync_time: z.string(), logs: z.array(z.looseObject({ date: z.string() })) })
  .nullable();

Deno.test(`${DATABASES + HDF5_FILES + INFO_FILES} damaged databases, HDF5 files and info files`, async (t) => {
  await using w = await Workspace.make();
  const random = new Random(20260);
  const quiet = 1_700_000_000;

  const databases = ["v0.db", "v1.db", "v4.db", "v8.db"].map((n) =>
    Deno.readFileSync(`${FIXTURES}qcodes/old_versions/${n}`)
  );
  for (let i = 0; i < DATABASES; i++) {
    await writeQuiet(w.path("databases", `d${i}.db`), damaged(random.pick(databases), random), quiet);
  }
  const hdf5 = [...Deno.readDirSync(`${FIXTURES}hdf5`)].filter((e) => /\.(h5|nc)$/.test(e.name)).map((e) =>
    e.name
  ).sort();
  for (let i = 0; i < HDF5_FILES; i++) {
    const name = random.pick(hdf5);
    const folder = w.path("tree", `h${i}`);
    await writeDataset(folder, { "sound.txt": "sound" }, quiet);
    await writeQuiet(
      join(folder, name),
      damaged(Deno.readFileSync(`${FIXTURES}hdf5/${name}`), random),
      quiet,
    );
  }
  for (let i = 0; i < INFO_FILES; i++) {
    const folder = w.path("tree", `i${i}`);
    await writeQuiet(join(folder, "data.csv"), "a,b\n1,2\n", quiet);
    await writeQuiet(
      join(folder, "_QH_dataset_info.yaml"),
      damaged(new TextEncoder().encode(INFO), random),
      quiet,
    );
  }
  for (let i = 0; i < 5; i++) await writeDataset(w.path("tree", `sound ${i}`), { "a.txt": String(i) }, quiet);

  const withAgent = async <T>(work: (agent: Agent) => Promise<T>): Promise<T> => {
    const agent = await Agent.open({ home: w.home });
    try {
      return await work(agent);
    } finally {
      await agent.close();
    }
  };

  await t.step(
    "sources of damaged databases can be added, or are refused with a reason",
    () =>
      withAgent(async (agent) => {
        const add = (name: string, backend: string, config: Record<string, unknown>) =>
          agent.sources.add({ name, backend, scope: "default", config });
        await add("tree", "folderbase", { root_directory: w.path("tree"), is_server_folder: false });
        for (let i = 0; i < DATABASES; i++) {
          const path = w.path("databases", `d${i}.db`);
          try {
            await add(basename(path), "qcodes", { database_path: path, set_up: "s" });
          } catch (e) {
            assert(e instanceof SyncError && e.class === "usage" && e.message.length > 10, `${path}: ${e}`);
          }
        }
      }),
  );

  await t.step("the agent goes through all of them and ends as usual", async () => {
    const { code, stdout, stderr } = await w.run("once", "--json");
    assert(code === 0 || code === 3, `${code}\n${stdout.slice(-2000)}\n${stderr}`);
  });

  await t.step(
    "every item that failed says why, none took longer than ten seconds, sound ones are synced",
    () =>
      withAgent(async (agent) => {
        const items = agent.items.list({ source: "tree" });
        assert(items.length > 200, "nearly all folders are found");
        for (const item of items) {
          const what = `${item.dataIdentifier}: ${item.state} ${JSON.stringify(item.reason)}`;
          if (item.dataIdentifier.startsWith("sound")) assertEquals(item.state, "done", what);
          if (item.state !== "done") assert(item.reason?.hint && item.reason.code !== "internal_error", what);
          const record = Record.parse(agent.items.get(item.id).sync_record);
          const began = record?.logs.at(-1)?.date;
          const took = record && began ? Date.parse(record.sync_time) - Date.parse(began) : 0;
          assert(took <= PATIENCE, `${what} took ${took} ms`);
          if (item.dataIdentifier.startsWith("h")) {
            const dataset = await agent.client.readDataset(item.datasetUUID);
            const secured = dataset?.files.filter((f) => f.status === "secured") ?? [];
            assertEquals(secured.length, 2, `${what}: a damaged file is still uploaded as it is`);
          }
        }
        const done = items.filter((i) => i.state === "done").length;
        console.log(`${items.length} folders: ${done} synchronized, the others say why not`);
      }),
  );

  await t.step("runs of damaged databases are there, or say why not", () =>
    withAgent((agent) => {
      const runs = agent.items.list({}).filter((i) => i.source !== "tree");
      const done = runs.filter((r) => ["done", "not_started"].includes(r.state));
      const silent = runs.filter((r) =>
        !done.includes(r) && (!r.reason?.hint || r.reason.code === "internal_error")
      );
      assertEquals(silent.map((r) => [r.source, r.dataIdentifier, r.reason]), []);
      assert(runs.length > DATABASES, "hardly any database could be read");
      console.log(
        `${runs.length} runs of damaged databases: ${done.length} as they should be, the others say why not`,
      );
      return Promise.resolve();
    }));
});
