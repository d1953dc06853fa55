/** Two agents on one folder and one database make one dataset of each item (L26); two on one state folder are refused (L25). */
import { join } from "node:path";
import { runCli } from "../../src/cli/test_cli.ts";
import { OnceSchema, Workspace } from "../agent_process.ts";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { ChangingLab } from "./changing_lab.ts";
import { sourcesToml } from "./every_source.ts";
import { allDatasets, assertVersions } from "./exactly_once.ts";
import { NetworkHub } from "./network_hub.ts";
import { Random } from "./prng.ts";
import { itemStates, onCatalog, ServingAgent } from "./serving_agent.ts";

interface TwoAgents {
  lab: ChangingLab;
  hub: NetworkHub;
  /** State folders. */
  homes: string[];
}

/** Two state folders, as of two machines, that know the same sources and the same platform. */
async function withTwoAgents(work: (two: TwoAgents) => Promise<void>): Promise<void> {
  await using w = await Workspace.make();
  await using hub = NetworkHub.open(w.path("hub"));
  const lab = await ChangingLab.setUp(w.root, new Random(1));
  const homes = [w.path("a"), w.path("b")];
  for (const home of homes) {
    await Deno.mkdir(home);
    await Deno.writeTextFile(
      join(home, "config.toml"),
      sourcesToml(lab.settings(), { platform: { url: hub.url } }),
    );
  }
  await work({ lab, hub, homes });
}

async function once(home: string) {
  const { code, stdout, stderr } = await runCli(["once", "--json"], { home });
  assertEquals(code, 0, `${stdout}\n${stderr}`);
  return OnceSchema.parse(JSON.parse(stdout));
}

/** Dataset uuids by source and identifier. */
function datasetsOf(home: string): Map<string, string> {
  const rows = onCatalog(home, (db) =>
    db.prepare(
      `SELECT s.name || '/' || i.identifier AS name, i.dataset_uuid AS uuid FROM items i JOIN sources s ON s.id = i.source_id
       WHERE i.state = 'done' ORDER BY 1`,
    ).all()) ?? [];
  return new Map(rows.map((r) => [String(r.name), String(r.uuid)]));
}

async function assertConverged({ hub, homes }: TwoAgents): Promise<void> {
  const [a, b] = homes.map(datasetsOf);
  assert(a && b && a.size > 40, `${a?.size} items`);
  assertEquals([...b], [...a], "both agents know the same datasets");
  const datasets = await hub.directly(allDatasets);
  assertEquals(datasets.map((d) => d.uuid).sort(), [...a.values()].sort(), "there is no dataset besides");
  for (const dataset of datasets) assertVersions(dataset);
}

Deno.test("a second agent finds the datasets of the first and sends nothing", () =>
  withTwoAgents(async (two) => {
    const [a = "", b = ""] = two.homes;
    await once(a);
    const second = await once(b);
    assertEquals([second.files_uploaded, second.bytes_uploaded], [0, 0]);
    await assertConverged(two);
    await two.lab.change();
    await once(b);
    assertEquals((await once(a)).files_uploaded, 0, "what the second has sent");
    await assertConverged(two);
  }));

Deno.test("two agents that begin at the same moment, while data arrive, end with one dataset of each item", () =>
  withTwoAgents(async (two) => {
    const { lab, homes } = two;
    await using a = ServingAgent.start(homes[0] ?? "");
    await using b = ServingAgent.start(homes[1] ?? "");
    for (let n = 0; n < 15; n++) {
      await lab.change();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    // Both may be following it.
    lab.completeRun();
    for (const agent of [a, b]) {
      const done = () => {
        const states = itemStates(agent.home);
        return states.size > 0 && [...states.keys()].every((s) => s === "done" || s === "not_started");
      };
      await agent.until("everything is done", done, () => [...itemStates(agent.home)]);
    }
    for (const agent of [a, b]) assertEquals(await agent.stop(), 0);
    for (const home of homes) await once(home);
    await assertConverged(two);
  }));

Deno.test("a second agent on a state folder is refused with 6 and told who holds it; a dead one's lock is taken over", () =>
  withTwoAgents(async ({ homes: [home = ""] }) => {
    await using first = ServingAgent.start(home);
    await first.until("the first agent works", () => itemStates(home).size > 0);
    await using second = ServingAgent.start(home);
    assertEquals((await second.ended).code, 6);
    assertMatch(second.stderr, new RegExp(`pid ${first.pid}\\b`));
    const { code, stdout } = await runCli(["once", "--json"], { home });
    assertEquals([code, JSON.parse(stdout).error], [6, "agent_running"]);
    assertMatch(JSON.parse(stdout).detail, new RegExp(`pid ${first.pid}\\b`));
    await first.kill(false);
    await once(home);
  }));
