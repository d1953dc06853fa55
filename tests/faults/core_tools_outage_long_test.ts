/** The database server fails in the middle of the work, again and again, or falls silent. */
import { Agent } from "../../src/engine/agent.ts";
import { CoreToolsLab } from "../../backends/core_tools/testing.ts";
import { assert, assertEquals } from "../assert.ts";
import { Random } from "./prng.ts";

const PATIENCE_MS = 120_000;

async function withAgent(work: (agent: Agent, temp: string) => Promise<void>): Promise<void> {
  const temp = await Deno.realPath(await Deno.makeTempDir());
  const agent = await Agent.open({ home: `${temp}/home` });
  try {
    await work(agent, temp);
  } finally {
    await agent.close();
    await Deno.remove(temp, { recursive: true });
  }
}

async function until(condition: () => boolean, about: () => unknown): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert(Date.now() < end, JSON.stringify(about()));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Items that were blamed for what the server did. */
const blamed = (agent: Agent) =>
  agent.items.list({}).filter((i) => i.status === "error" || i.attempts > 0).map((
    i,
  ) => [i.dataIdentifier, i.reason]);
const done = (agent: Agent) => agent.items.list({}).filter((i) => i.state === "done").length;

Deno.test("a server that is killed at random moments of `once`: all 12 arrive, no measurement is blamed", () =>
  withAgent(async (agent) => {
    await using lab = await CoreToolsLab.start();
    await agent.sources.add({ name: "lab", backend: "core_tools", config: lab.config, scope: "default" });
    const random = new Random(7);
    const seen = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const before = done(agent);
      const running = agent.once();
      const wanted = Math.min(12, before + random.below(2));
      const pause = random.below(120);
      await Promise.race([running, until(() => done(agent) >= wanted, () => agent.items.list({}))]);
      await new Promise((resolve) => setTimeout(resolve, pause));
      await lab.server.kill();
      for (const source of (await running).sources) seen.add(source.status);
      assertEquals(blamed(agent), []);
      await lab.server.resume();
    }
    assert(seen.has("error"), `it was hit: ${[...seen]}`);
    await agent.once();
    assertEquals([done(agent), blamed(agent)], [12, []]);
    const datasets = await agent.client.searchDatasets({}, { limit: 100 });
    assertEquals([datasets.length, new Set(datasets.map((d) => d.alt_uid)).size], [12, 12]);
  }));

Deno.test("a server that takes connections and says nothing holds up no other source, and is found again", () =>
  withAgent(async (agent, temp) => {
    await using lab = await CoreToolsLab.start();
    await agent.sources.add({ name: "lab", backend: "core_tools", config: lab.config, scope: "default" });
    for (const name of ["one", "two", "three"]) {
      await lab.server.createDatabase(name, "reader");
      await lab.server.loadSql(
        name,
        "reader",
        new URL("../fixtures/core_tools/core_tools.sql", import.meta.url),
      );
      const config = { ...lab.config, dbname: name };
      await agent.sources.add({ name, backend: "core_tools", config, scope: "default" });
    }
    await Deno.mkdir(`${temp}/data`);
    await agent.sources.add({
      name: "folders",
      backend: "folderbase",
      config: { root_directory: `${temp}/data`, is_server_folder: false },
      scope: "default",
    });
    await lab.server.kill();
    const held: Deno.Conn[] = [];
    const silent = Deno.listen({ hostname: "127.0.0.1", port: lab.server.port });
    const accepting = (async () => {
      for await (const connection of silent) held.push(connection);
    })();
    const serving = await agent.serve();
    const about =
      () => [agent.items.list({}).map((i) => [i.dataIdentifier, i.state]), serving.activity().sources];
    try {
      await until(() => held.length >= 2, about);
      await Deno.mkdir(`${temp}/data/run`);
      await Deno.writeTextFile(`${temp}/data/run/_QH_dataset_info.yaml`, "");
      await Deno.writeTextFile(`${temp}/data/run/x.txt`, "1");
      await until(
        () => agent.items.list({}).some((i) => i.dataIdentifier === "run" && i.state === "done"),
        about,
      );
      await until(() => serving.activity().sources.filter((s) => s.status === "error").length === 4, about);

      silent.close();
      for (const connection of held) connection.close();
      await accepting;
      await lab.server.resume();
      await until(() => done(agent) === 4 * 12 + 1, about);
      assertEquals(blamed(agent), []);
    } finally {
      await serving.close();
    }
  }));
