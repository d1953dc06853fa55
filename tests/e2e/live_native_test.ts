import { assert } from "../assert.ts";
import { DATASETS, NativeLab } from "../native_lab.ts";

const PATIENCE_MS = 30_000;

Deno.test("native: a dataset whose file is being written is listed with that file, and synchronized meanwhile", async () => {
  await using lab = await NativeLab.make("v0.3-live");
  const { live } = DATASETS;
  await lab.agent(async (agent) => {
    const serving = await agent.serve();
    const end = Date.now() + PATIENCE_MS;
    const session = () => serving.live.list().find((s) => s.dataset_uuid === live);
    const item = () => agent.items.list({}).find((i) => i.datasetUUID === live);
    try {
      while (session()?.state !== "running" || item()?.state !== "done") {
        assert(Date.now() < end, JSON.stringify([serving.live.list(), agent.items.list({})]));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const file = session()?.live_file ?? "";
      assert(file.startsWith(lab.folder) && (await Deno.stat(file)).isFile, file);
    } finally {
      await serving.close();
    }
  });
});
