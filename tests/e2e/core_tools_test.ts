/** A core-tools database on a real PostgreSQL server, from the command line to files that equal core-tools' own export. */
import { Agent } from "../../src/engine/agent.ts";
import { runCli } from "../../src/cli/test_cli.ts";
import { CoreToolsLab, FIXTURES } from "../../backends/core_tools/testing.ts";
import { OnceSchema, only, Workspace } from "../agent_process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../assert.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { netcdfDifferences } from "../netcdf_equal.ts";

/** Options of `once` for the lab's database; the password comes on standard input. */
function coreToolsSource({ config }: CoreToolsLab, ...more: string[]): string[] {
  const settings = ["dbname", "user", "host", "port"].flatMap((key) => ["--set", `${key}=${config[key]}`]);
  return ["--backend", "core_tools", ...settings, "--secret", "password", ...more];
}

/** Sessions of agents at the server, once the ones that were ended are gone. */
async function sessions(lab: CoreToolsLab): Promise<number> {
  const [row] = await lab.administer(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'etiket-sync'",
  );
  return Number(row?.n);
}

async function untilNoSessions(lab: CoreToolsLab): Promise<void> {
  const end = Date.now() + 10_000;
  while (await sessions(lab) > 0) assert(Date.now() < end, "the agent is gone, its connections are not");
}

Deno.test("core_tools: the 13 measurements from the command line", async (t) => {
  await using lab = await CoreToolsLab.start();
  await using w = await Workspace.make();
  const outcome = await runCli(["once", "--json", ...coreToolsSource(lab, "--scope", "default")], {
    home: w.home,
    stdin: `${lab.config.password}\n`,
  });
  assertEquals(outcome.code, 0, outcome.stderr);
  const first = OnceSchema.parse(JSON.parse(outcome.stdout));
  const items = await w.items();
  const datasets = new Map((await w.datasets()).map((d) => [d.uuid, d]));

  await t.step("12 are synchronized, the one without a point is skipped", async () => {
    const source = only(first.sources);
    assertEquals(
      [source.items_total, source.items_synchronized, source.items_failed, source.items_unmapped],
      [13, 12, 0, 0],
    );
    assertEquals([items["13"]?.state, items["13"]?.attempts], ["not_started", 0]);
    assertEquals(datasets.size, 12);
    assertEquals(await w.verified(), 13, "12 measurements and one file of pulses");
    const unfinished = items["12"];
    assert(unfinished);
    assert((await w.record(unfinished)).logs.some(([code]) => code === "incomplete"));
  });

  for (let id = 1; id <= 12; id++) {
    await t.step(`measurement ${id} equals core-tools' export`, async () => {
      const dataset = datasets.get(items[String(id)]?.datasetUUID ?? "");
      assert(dataset);
      const names = dataset.files.map((f) => f.name).sort();
      assertEquals(names, id === 7 ? ["measurement", "pulses"] : ["measurement"]);
      const [file] = dataset.files;
      assertEquals([file?.type, file?.status, file?.file_generator], [
        "HDF5_NETCDF",
        "secured",
        "core-tools",
      ]);
      const { measurement = "" } = await w.download(dataset.uuid);
      const truth = `${FIXTURES}expected/meas_${String(id).padStart(2, "0")}.nc`;
      assertEquals(await netcdfDifferences(measurement, truth), []);
    });
  }

  const agent = await Agent.open({ home: w.home });
  const again = async () => {
    const { items, files_uploaded } = await agent.once();
    return [items.map((i) => `${i.dataIdentifier} ${i.result}`).sort(), files_uploaded];
  };
  const datasetOf = async (id: string) => {
    const dataset = await agent.client.readDataset(items[id]?.datasetUUID ?? "");
    assert(dataset);
    return dataset;
  };

  await t.step(
    "name, star and keywords that come later reach the platform without a file being sent",
    async () => {
      const change = (sql: string) => lab.write(`UPDATE global_measurement_overview SET ${sql} WHERE id = 2`);
      await change(`exp_name = 'found it', starred = true, keywords = '["new"]'`);
      assertEquals(await again(), [["2 synchronized"], 0]);
      const { name, ranking, keywords } = await datasetOf("2");
      assertEquals([name, ranking, keywords.includes("new")], ["found it", 1, true]);
      await change("starred = false");
      assertEquals(await again(), [["2 synchronized"], 0]);
      assertEquals((await datasetOf("2")).ranking, 0);
    },
  );

  await t.step("a measurement that goes on gets a version, and is complete in the end", async () => {
    const uuid = "1795226479822917207";
    const write = (oid: number, from: number, values: number[]) => {
      const hex = new Uint8Array(Float64Array.from(values).buffer).toHex();
      return `SELECT lo_put(${oid}, ${8 * from}, '\\x${hex}');`;
    };
    const rest = Array.from({ length: 28 }, (_, i) => 20 + i);
    await lab.write(
      write(16476, 20, rest) + write(16474, 20, rest.map((i) => Math.floor(i / 6))) +
        write(16475, 20, rest.map((i) => i % 6)) +
        `UPDATE measurement_parameters SET write_cursor = 48 WHERE exp_uuid = ${uuid};
         UPDATE global_measurement_overview SET completed = true, stop_time = start_time WHERE uuid = ${uuid}`,
    );
    assertEquals(await again(), [["12 synchronized"], 1]);
    const dataset = await datasetOf("12");
    assertEquals([dataset.files.length, new Set(dataset.files.map((f) => f.uuid)).size], [2, 1]);
    const { measurement = "" } = await w.download(dataset.uuid);
    const { variables, groups } = await netcdfContent(measurement);
    assertEquals(variables.vP1?.values, [0, 1, 2, 3, 4, 5, 6, 7]);
    assertEquals(variables.I_sd?.values.slice(20), rest);
    assertEquals(groups[""]?.completed, 1n);
  });

  await t.step("the first point of a registered measurement publishes it", async () => {
    const hex = new Uint8Array(Float64Array.of(1.5).buffer).toHex();
    await lab.write(
      `SELECT lo_put(16478, 0, '\\x${hex}'); SELECT lo_put(16477, 0, '\\x${hex}');
       UPDATE measurement_parameters SET write_cursor = 1 WHERE exp_uuid = 1795226479863917207`,
    );
    assertEquals(await again(), [["13 synchronized"], 1]);
  });

  await t.step(
    "one large object that may not be read fails its measurement alone, with the GRANT",
    async () => {
      await lab.administer("ALTER LARGE OBJECT 16433 OWNER TO postgres");
      await lab.write("UPDATE global_measurement_overview SET data_size = 7 WHERE id IN (2, 3)");
      assertEquals((await again())[0], ["2 failed", "3 synchronized"]);
      const item = agent.items.list({}).find((i) => i.dataIdentifier === "2");
      assertStringIncludes(item?.reason?.hint ?? "", 'GRANT SELECT ON LARGE OBJECT 16433 TO "reader"');
      await lab.administer("GRANT SELECT ON LARGE OBJECT 16433 TO reader");
      agent.items.reset(item?.id ?? 0);
      assertEquals((await again())[0], ["2 synchronized"]);
    },
  );

  await agent.close();
  await t.step("no connection is left at the server", () => untilNoSessions(lab));
});

async function withAgent(work: (agent: Agent, lab: CoreToolsLab) => Promise<void>): Promise<void> {
  await using lab = await CoreToolsLab.start();
  const home = await Deno.makeTempDir();
  const agent = await Agent.open({ home });
  try {
    await work(agent, lab);
  } finally {
    await agent.close();
    await untilNoSessions(lab);
    await Deno.remove(home, { recursive: true });
  }
}

const add = (
  agent: Agent,
  lab: CoreToolsLab,
  more: { scope?: string; autoassign?: boolean } = { scope: "default" },
) => agent.sources.add({ name: "lab", backend: "core_tools", config: lab.config, ...more });

async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  about: () => unknown,
): Promise<void> {
  const end = Date.now() + 60_000;
  while (!await condition()) {
    if (Date.now() > end) throw new Error(`not within a minute: ${what} ${JSON.stringify(about())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("core_tools: projects are scope identifiers", () =>
  withAgent(async (agent, lab) => {
    await agent.client.createScope({ name: "Spin", uid: crypto.randomUUID(), description: "" });
    await agent.client.createScope({ name: "OTHER PROJECT", uid: crypto.randomUUID(), description: "" });
    await add(agent, lab, {});
    const once = await agent.once();
    assertEquals(only(once.sources).items_unmapped, 13);
    assertEquals(agent.mappings.unmapped("lab"), ["Other project", "Spin project"]);
    assertEquals(await agent.mappings.autoassign("lab"), 1);
    await agent.mappings.set("lab", "CT_PROJECT_Spin project", "Spin");
    await agent.once();
    const scopes = new Map<string, number>();
    for (const { scope } of await agent.client.searchDatasets({}, { limit: 100 })) {
      scopes.set(scope.name, (scopes.get(scope.name) ?? 0) + 1);
    }
    assertEquals(Object.fromEntries(scopes), { Spin: 11, "OTHER PROJECT": 1 });
  }));

Deno.test("core_tools: a database belongs to one source, and another database makes other datasets", () =>
  withAgent(async (agent, lab) => {
    await add(agent, lab);
    const again = await agent.sources.add({
      name: "again",
      backend: "core_tools",
      config: { ...lab.config, host: "localhost" },
      scope: "default",
    }).catch((e) => e);
    assertEquals(again.code, "sync_source_config_error");
    assertMatch(again.message, /same database .* already used by "lab"/);
    await agent.once();
    const before = new Map(agent.items.list({}).map((i) => [i.dataIdentifier, i.datasetUUID]));

    await lab.server.createDatabase("second", "reader");
    await lab.server.loadSql("second", "reader", `${FIXTURES}core_tools.sql`);
    await lab.server.query(
      "second",
      "UPDATE global_measurement_overview SET uuid = uuid + 7; UPDATE measurement_parameters SET exp_uuid = exp_uuid + 7",
    );
    await agent.sources.update("lab", { config: { ...lab.config, dbname: "second" } });
    await agent.once();
    for (const { dataIdentifier, datasetUUID } of agent.items.list({})) {
      assert(
        datasetUUID !== before.get(dataIdentifier),
        `measurement ${dataIdentifier} has the other one's dataset`,
      );
    }
    assertEquals((await agent.client.searchDatasets({}, { limit: 100 })).length, 24);
  }));

Deno.test("core_tools: served through loss and return of the server, with few connections", () =>
  withAgent(async (agent, lab) => {
    await add(agent, lab);
    const serving = await agent.serve();
    const items = () => agent.items.list({});
    const about =
      () => [items().map((i) => [i.dataIdentifier, i.state, i.reason?.code]), serving.activity().sources];
    try {
      // As its computer fails: in the middle of the work.
      await until("one is done", () => items().some((i) => i.state === "done"), about);
      await lab.server.kill();
      await until("the source says so", () => only(serving.activity().sources).status === "error", about);
      assertEquals(items().filter((i) => i.status === "error" || i.attempts > 0), []);
      await lab.server.resume();
      await until("all are there", () => items().filter((i) => i.state === "done").length === 12, about);
      assertEquals(items().filter((i) => i.status === "error" || i.attempts > 0), []);
      assert(await sessions(lab) <= 2, "one connection for each reader process");

      await lab.write(
        "UPDATE global_measurement_overview SET exp_name = 'renamed', starred = true WHERE id = 3",
      );
      const renamed = items().find((i) => i.dataIdentifier === "3");
      await until(
        "the name is on the platform",
        async () => (await agent.client.readDataset(renamed?.datasetUUID ?? ""))?.name === "renamed",
        about,
      );
    } finally {
      await serving.close();
    }
  }));
