/** A PC that starts before its network does. */
import { Agent } from "../../src/engine/agent.ts";
import { withHub } from "../../src/hub/test_hub.ts";
import { writeDataset } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { sourcesToml } from "../faults/every_source.ts";

Deno.test("sources of the configuration file are made, or go on, when the platform can be reached at last", () =>
  withHub(async (hub) => {
    const folder = await Deno.makeTempDir();
    let isAway = true;
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      if (!isAway) return await hub.answer(request);
      await request.body?.cancel();
      return new Response("<h1>Bad gateway</h1>", { status: 502 });
    });
    const until = async (what: string, holds: () => boolean) => {
      for (const end = Date.now() + 60_000; !holds();) {
        assert(Date.now() < end, what);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const serve = async (
      work: (agent: Agent, serving: Awaited<ReturnType<Agent["serve"]>>) => Promise<void>,
    ) => {
      const agent = await Agent.open({ home: `${folder}/home` });
      try {
        const serving = await agent.serve();
        await work(agent, serving).finally(() => serving.close());
      } finally {
        await agent.close();
      }
    };
    try {
      await writeDataset(`${folder}/data/run 1`, { "a.txt": "1" });
      await Deno.mkdir(`${folder}/home`);
      const source = {
        name: "raw",
        backend: "folderbase",
        config: { root_directory: `${folder}/data`, is_server_folder: false },
      };
      const platform = { url: `http://127.0.0.1:${server.addr.port}` };
      await Deno.writeTextFile(`${folder}/home/config.toml`, sourcesToml([source], { platform }));

      await serve(async (agent, serving) => {
        await until("it says so", () => serving.status().state === "no_connection");
        assertEquals(agent.sources.list(), []);
        isAway = false;
        await until("the run is synchronized", () => agent.items.list({})[0]?.state === "done");
      });

      isAway = true;
      await writeDataset(`${folder}/data/run 2`, { "a.txt": "2" });
      await serve(async (agent) => {
        await until("what is new is found", () => agent.items.list({}).length === 2);
        isAway = false;
        await until("it is synchronized", () => agent.items.list({}).every((i) => i.state === "done"));
      });
    } finally {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  }));
