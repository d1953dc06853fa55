/** The place of a source changes, or other measurements take the place of the known ones: no dataset is ever mixed up. */
import { assert, assertEquals, assertNotEquals } from "../assert.ts";
import { Agent } from "../../src/engine/agent.ts";

const QCODES = new URL("../fixtures/qcodes/", import.meta.url).pathname;
const INFO = "_QH_dataset_info.yaml";

async function withAgent(work: (agent: Agent, dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const agent = await Agent.open({ home: `${dir}/home` });
  try {
    await work(agent, dir);
  } finally {
    await agent.close();
    await Deno.remove(dir, { recursive: true });
  }
}

/** A dataset folder whose file was quiet for long, so that it is due at once. */
function dataset(folder: string, content: string): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (const [name, text] of [[INFO, ""], ["data.txt", content]] as const) {
    Deno.writeTextFileSync(`${folder}/${name}`, text);
    Deno.utimeSync(`${folder}/${name}`, 1_700_000_000, 1_700_000_000 + content.length);
  }
}

const uuids = (agent: Agent) =>
  Object.fromEntries(agent.items.list({}).map((i) => [i.dataIdentifier, i.datasetUUID]));

Deno.test("another QCoDeS database under the same path: its runs get datasets of their own", async () => {
  await withAgent(async (agent, dir) => {
    const path = `${dir}/experiments.db`;
    await Deno.copyFile(`${QCODES}old_versions/v8.db`, path);
    await agent.sources.add({
      name: "q",
      backend: "qcodes",
      scope: "default",
      config: { database_path: path, set_up: "s" },
    });
    await agent.once();
    const first = uuids(agent);
    const datasets = await agent.client.searchDatasets({}, { limit: 1000 });
    await Deno.copyFile(`${QCODES}experiments.db`, path);
    await Deno.utime(path, 1_800_000_000, 1_800_000_000);
    await agent.once();
    const now = uuids(agent);
    for (const before of datasets) {
      const run = Object.keys(first).find((r) => first[r] === before.uuid) ?? "";
      assertNotEquals(now[run], before.uuid, `run ${run}`);
      const after = await agent.client.readDataset(before.uuid);
      assertEquals(after?.files.length, before.files.length, "no version was added to an old dataset");
      assertEquals(after?.name, before.name);
    }
  });
});

Deno.test("a folder source that looks elsewhere: other measurements of equal names are other datasets", async () => {
  await withAgent(async (agent, dir) => {
    dataset(`${dir}/one/a`, "first");
    dataset(`${dir}/two/a`, "second");
    const config = { root_directory: `${dir}/one`, is_server_folder: false, write_manifest: false };
    await agent.sources.add({ name: "f", backend: "folderbase", scope: "default", config });
    await agent.once();
    const first = uuids(agent).a ?? "";
    await agent.sources.update("f", { config: { root_directory: `${dir}/two` } });
    await agent.once();
    assertNotEquals(uuids(agent).a, first);
    assertEquals((await agent.client.readDataset(first))?.files.length, 1);
  });
});

Deno.test("a folder source whose tree was moved: the manifests say so, nothing is uploaded again", async () => {
  await withAgent(async (agent, dir) => {
    dataset(`${dir}/one/a`, "first");
    const config = { root_directory: `${dir}/one`, is_server_folder: false };
    await agent.sources.add({ name: "f", backend: "folderbase", scope: "default", config });
    await agent.once();
    const first = uuids(agent);
    await Deno.rename(`${dir}/one`, `${dir}/two`);
    await agent.sources.update("f", { config: { root_directory: `${dir}/two` } });
    const report = await agent.once();
    assertEquals([uuids(agent), report.files_uploaded], [first, 0]);
    const manifest = await Deno.readTextFile(`${dir}/two/a/.QH_manifest.yaml`);
    assert(manifest.includes(`${dir}/two/a`), "the manifest names the new place");
  });
});

Deno.test("a run that is interrupted leaves its item as it was", async () => {
  await withAgent(async (agent, dir) => {
    dataset(`${dir}/one/a`, "first");
    const config = { root_directory: `${dir}/one`, is_server_folder: false };
    await agent.sources.add({ name: "f", backend: "folderbase", scope: "default", config });
    const stop = new AbortController();
    const original = agent.client.createDataset;
    agent.client.createDataset = (create) => {
      stop.abort();
      return original(create);
    };
    const report = await agent.once({ signal: stop.signal });
    agent.client.createDataset = original;
    assertEquals(report.ended, "interrupted");
    assertEquals(agent.items.list({}).map((i) => [i.state, i.attempts]), [["waiting", 0]]);
    await agent.once();
    assertEquals(agent.items.list({}).map((i) => i.state), ["done"]);
    assertEquals((await agent.client.searchDatasets({})).length, 1);
  });
});
