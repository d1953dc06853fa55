/** A serving agent beside a measurement that writes into a database, and beside a share. */
import { assert, assertEquals } from "../assert.ts";
import { Agent } from "../../src/engine/agent.ts";
import { openDatabase } from "./change_database.ts";

const PATIENCE_MS = 60_000;

async function withAgent(work: (agent: Agent, temp: string) => Promise<void>): Promise<void> {
  const temp = await Deno.makeTempDir();
  const agent = await Agent.open({ home: `${temp}/home` });
  try {
    await work(agent, temp);
  } finally {
    await agent.close();
    await Deno.remove(temp, { recursive: true });
  }
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert(Date.now() < end, what());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a run that gets another name in the database while the agent serves is synchronized again", () =>
  withAgent(async (agent, temp) => {
    const database = `${temp}/experiments.db`;
    await Deno.copyFile("tests/fixtures/qcodes/experiments.db", database);
    await agent.sources.add({
      name: "q",
      backend: "qcodes",
      config: { database_path: database, set_up: "fridge" },
      scope: "default",
    });
    const serving = await agent.serve();
    try {
      const items = () => agent.items.list({});
      const settled = () => items().filter((i) => i.state === "done").length >= 3;
      await until(
        settled,
        () => JSON.stringify(items().map((i) => [i.dataIdentifier, i.state, i.reason?.message])),
      );
      assertEquals(serving.activity().sources.map((s) => s.watching), ["polling"]);
      const done = items().find((i) => i.state === "done");
      assert(done);
      const fingerprint = () => agent.catalog.items.byId(done.id)?.fingerprint;
      const before = fingerprint();
      {
        using db = openDatabase(database);
        db.run("UPDATE runs SET name = 'another name' WHERE run_id = ?", Number(done.dataIdentifier));
      }
      await until(() => fingerprint() !== before, () => "the change is not seen");
      await until(
        () => agent.catalog.items.byId(done.id)?.state === "done",
        () => "the change is not synchronized",
      );
    } finally {
      await serving.close();
    }
  }));

Deno.test("a server folder is served without a watch", () =>
  withAgent(async (agent, temp) => {
    const root = `${temp}/share`;
    await Deno.mkdir(`${root}/run`, { recursive: true });
    await Deno.writeTextFile(`${root}/run/_QH_dataset_info.yaml`, "");
    await Deno.writeTextFile(`${root}/run/x.txt`, "1");
    await agent.sources.add({
      name: "share",
      backend: "folderbase",
      config: { root_directory: root, is_server_folder: true },
      scope: "default",
    });
    const serving = await agent.serve();
    try {
      await until(() => agent.items.list({}).some((i) => i.state === "done"), () => "not synchronized");
      assertEquals(serving.activity().sources.map((s) => s.watching), ["polling"]);
    } finally {
      await serving.close();
    }
  }));
