/** A platform behind a bad network: nothing is held against items, and everything goes on when the network is back. */
import { join } from "node:path";
import { OnceSchema, Workspace, writeDataset, writeQuiet } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { sourcesToml } from "./every_source.ts";
import { assertExactlyOnce } from "./exactly_once.ts";
import { NetworkHub, type Weather } from "./network_hub.ts";
import { Random } from "./prng.ts";
import { assertNothingCounted, itemStates, ServingAgent } from "./serving_agent.ts";

/** Each stops all work within the time that a test may take. */
const STOPPING: Weather[] = ["refused", "cut", "reply lost", 429, 502, "web page"];

interface Place {
  w: Workspace;
  hub: NetworkHub;
  /** Writes one more dataset. */
  measure: () => Promise<void>;
}

/** A state folder whose platform is a hub over the network, and a tree of datasets. */
async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  await using w = await Workspace.make();
  await using hub = NetworkHub.open(w.path("hub"));
  await Deno.mkdir(w.home);
  const root_directory = w.path("data");
  const source = { name: "data", backend: "folderbase", config: { root_directory, is_server_folder: false } };
  await Deno.writeTextFile(
    join(w.home, "config.toml"),
    sourcesToml([source], { platform: { url: hub.url } }),
  );
  const random = new Random(1);
  let count = 0;
  const measure = async () => {
    const folder = join(root_directory, `run ${++count}`);
    await writeDataset(folder, { "note.txt": `run ${count}`, "sub/table.csv": `x,y\n1,${count}\n` });
    await writeQuiet(join(folder, "raw.bin"), random.bytes(20_000), 1_700_000_000);
  };
  for (let n = 0; n < 4; n++) await measure();
  await work({ w, hub, measure });
  assertNothingCounted(w.home);
  await hub.directly((client) => assertExactlyOnce(client, root_directory));
}

Deno.test("`once` without its platform ends with 5 and a hint, whatever the network does; the next one does all", () =>
  withPlace(async ({ w, hub }) => {
    for (const weather of STOPPING) {
      hub.weather = weather;
      const { code, stdout, stderr } = await w.run("once", "--json");
      const document = JSON.parse(stdout);
      assertEquals(code, 5, `${weather}: ${stdout}\n${stderr}`);
      assert(document.hint, `${weather}: ${stdout}`);
    }
    hub.weather = "good";
    const { code, stdout, stderr } = await w.run("once", "--json");
    assertEquals(code, 0, stderr);
    assertEquals(OnceSchema.parse(JSON.parse(stdout)).sources[0]?.items_synchronized, 4);
  }));

Deno.test("`serve` says that there is no connection, and goes on by itself when there is", () =>
  withPlace(async ({ w, hub, measure }) => {
    await using agent = ServingAgent.start(w.home);
    await agent.untilItemsAre(4, "done");
    let count = 4;
    for (const weather of STOPPING) {
      hub.weather = weather;
      for (let n = 0; n < 4; n++) await measure();
      count += 4;
      const { reason } = await agent.untilState("no_connection");
      assertEquals(reason?.class, "network", JSON.stringify(reason));
      assert(reason?.hint);
      assertNothingCounted(w.home);
      const back = Date.now();
      hub.weather = "good";
      await agent.untilState("running");
      const connected = Date.now();
      await agent.untilItemsAre(count, "done");
      console.log(
        `${weather}: connected ${connected - back} ms after the network was back, all done ` +
          `${Date.now() - connected} ms later`,
      );
    }
    assertEquals([...itemStates(w.home)], [["done", count]]);
    assertEquals(await agent.stop(), 0);
  }));
