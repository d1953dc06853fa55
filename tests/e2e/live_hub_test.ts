/** A run at one PC, seen at another one through the hub that both use. */
import { withHub } from "../../src/hub/test_hub.ts";
import { LiveClient } from "../../src/sdk/live_client.ts";
import { LiveModel } from "../../src/sdk/live_model.ts";
import { assert, assertEquals } from "../assert.ts";
import { LiveSandbox } from "./live_sandbox.ts";

Deno.test("a run is seen elsewhere while it is measured, under the same numbers", () =>
  withHub(async (hub) => {
    const server = hub.serve();
    try {
      await using box = await LiveSandbox.open({}, server.url);
      await box.addFolders("lab");
      await box.serve();
      await box.count("lab", "run 1", 1, 2);
      const { id, dataset_uuid } = await box.live("run 1");
      const client = new LiveClient({ url: `${server.url}/api/v1` });
      await box.until("the hub knows it", async () => (await client.sessions()).length === 1);
      const view = await client.session(id);
      assertEquals([view.dataset_uuid, view.live_file, view.source], [dataset_uuid, null, "lab"]);

      const model = new LiveModel();
      let told = 0;
      for await (const event of client.events(id)) {
        model.apply(event);
        if (told++ === 0) await box.count("lab", "run 1", "NaN", 4, "end");
      }
      const local = box.serving.live.get(id);
      assertEquals([model.epoch, model.seq, model.end], [
        local?.epoch ?? "",
        local?.seq ?? 0,
        local?.end ?? undefined,
      ]);
      const counts = [...model.variables.values()].find((cells) => cells.count === 4);
      assert(counts);
      assertEquals([...counts.values()], [1, 2, NaN, 4]);
      await box.synced("run 1");
    } finally {
      await server.stop();
    }
  }));
