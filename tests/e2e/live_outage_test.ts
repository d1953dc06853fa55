/** A run while the platform cannot be reached: it is seen here all the time, and elsewhere once the platform is back. */
import { withHub } from "../../src/hub/test_hub.ts";
import { LiveClient } from "../../src/sdk/live_client.ts";
import { LiveModel } from "../../src/sdk/live_model.ts";
import { assertEquals } from "../assert.ts";
import { Counts, LiveSandbox } from "./live_sandbox.ts";

Deno.test("a run that begins and goes on while the platform is away is one dataset there later, and seen elsewhere", () =>
  withHub(async (hub) => {
    let isAway = false;
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      if (!isAway) return await hub.answer(request);
      await request.body?.cancel();
      return new Response("<h1>Bad gateway</h1>", { status: 502 });
    });
    const url = `http://127.0.0.1:${server.addr.port}`;
    try {
      await using box = await LiveSandbox.open({}, url);
      await box.addFolders("lab");
      await box.serve();
      isAway = true;
      await box.count("lab", "run 1", 1, 2);
      const { id } = await box.live("run 1");
      const counts = new Counts(box.serving, id);
      await box.count("lab", "run 1", 3);
      await box.until("three counts", () => counts.values.length === 3);
      assertEquals(await box.agent.client.searchDatasets({}, { limit: 1 }).catch(() => "away"), "away");

      isAway = false;
      const client = new LiveClient({ url: `${url}/api/v1` });
      await box.until("it is seen elsewhere", async () => (await client.sessions()).length === 1);
      isAway = true;
      await box.count("lab", "run 1", 4, "end");
      await box.until("the end", () => counts.end !== undefined);
      isAway = false;
      const { datasetUUID } = await box.synced("run 1");
      const found = await box.agent.client.searchDatasets({}, { limit: 10 });
      assertEquals(found.map(({ uuid }) => uuid), [datasetUUID]);
      const model = new LiveModel();
      for await (const event of client.events(id)) model.apply(event);
      assertEquals([model.seq, model.end?.reason], [box.serving.live.get(id)?.seq, "completed"]);
    } finally {
      await server.shutdown();
    }
  }));
