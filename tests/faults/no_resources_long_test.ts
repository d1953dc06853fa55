/** What `serve` needs is taken away while it runs: file handles, its state folder. */
import { join } from "node:path";
import { Workspace, writeDataset } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { sourcesToml } from "./every_source.ts";
import { assertExactlyOnce } from "./exactly_once.ts";
import { NetworkHub } from "./network_hub.ts";
import { assertNothingCounted, itemStates, onCatalog, ServingAgent } from "./serving_agent.ts";

/** The platform is elsewhere: it must not suffer with the agent. */
async function withHub(work: (w: Workspace, data: string, hub: NetworkHub) => Promise<void>): Promise<void> {
  await using w = await Workspace.make();
  await using hub = NetworkHub.open(w.path("hub"));
  const data = w.path("data");
  for (let n = 1; n <= 4; n++) await measure(data, n);
  await configure(w.home, data, hub);
  await work(w, data, hub);
  await hub.directly((client) => assertExactlyOnce(client, data));
}

async function configure(home: string, root_directory: string, hub: NetworkHub): Promise<void> {
  await Deno.mkdir(home);
  const source = { name: "data", backend: "folderbase", config: { root_directory, is_server_folder: false } };
  await Deno.writeTextFile(join(home, "config.toml"), sourcesToml([source], { platform: { url: hub.url } }));
}

function measure(data: string, n: number): Promise<void> {
  return writeDataset(join(data, `run ${n}`), { "note.txt": `run ${n}`, "sub/table.csv": `x,y\n1,${n}\n` });
}

Deno.test({
  name:
    "too many open files: nothing is missed and nothing held against an item, also when the runtime dies of it",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withHub(async (w, data) => {
      let count = 4;
      for (const spare of [0, 2]) {
        const agent = ServingAgent.start(w.home);
        try {
          await agent.untilItemsAre(count, "done");
          let ended = false;
          agent.ended.then(() => ended = true);
          await limitFiles(agent.pid, freeHandle(agent.pid) + spare);
          for (let n = 0; n < 4; n++) await measure(data, ++count);
          const noticed = () => itemStates(w.home).get("done") === count || stumbles(w.home) > 0;
          await agent.until("the agent notices", noticed).catch(() => assert(ended));
          console.log(`${spare} handles left: ${ended ? "ended" : `${stumbles(w.home)} errors`}`);
          if (!ended) {
            await limitFiles(agent.pid, 4096);
            await agent.untilItemsAre(count, "done");
          }
        } finally {
          await agent[Symbol.asyncDispose]();
        }
      }
      await using agent = ServingAgent.start(w.home);
      await agent.untilItemsAre(count, "done");
      assertNothingCounted(w.home);
      assertEquals(await agent.stop(), 0);
    }),
});

Deno.test({
  name: "a state folder that is removed under the agent is noticed, costs no dataset and doubles none",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withHub(async (w, data, hub) => {
      const agent = ServingAgent.start(w.home);
      try {
        await agent.untilItemsAre(4, "done");
        await Deno.remove(w.home, { recursive: true });
        await measure(data, 5);
        const { reason } = await agent.untilState("error");
        assertEquals(reason?.code, "state_folder_gone");
      } finally {
        await agent[Symbol.asyncDispose]();
      }
      await Deno.remove(w.home, { recursive: true }).catch(() => {});
      await configure(w.home, data, hub);
      await using next = ServingAgent.start(w.home);
      await next.untilItemsAre(5, "done");
      assertEquals(await next.stop(), 0);
    }),
});

/** Errors of the agent as a whole and of its sources that the catalog knows. */
function stumbles(home: string): number {
  return onCatalog(home, (db) => Number(db.prepare("SELECT count(*) AS n FROM errors").get()?.n)) ?? 0;
}

/** The number that the next opened file gets. */
function freeHandle(pid: number): number {
  const taken = new Set([...Deno.readDirSync(`/proc/${pid}/fd`)].map((e) => Number(e.name)));
  let free = 0;
  while (taken.has(free)) free++;
  return free;
}

async function limitFiles(pid: number, most: number): Promise<void> {
  const args = [`--pid=${pid}`, `--nofile=${most}:4096`];
  const { success, stderr } = await new Deno.Command("prlimit", { args }).output();
  if (!success) throw new Error(`prlimit: ${new TextDecoder().decode(stderr)}`);
}
