/** A serving agent beside a beamline that measures. */
import { Agent } from "../../src/engine/agent.ts";
import { RunWriter } from "../../backends/resonance/mod.ts";
import { assert, assertEquals } from "../assert.ts";

const PATIENCE_MS = 60_000;

Deno.test("resonance: runs are synchronized as they end, in a database deep inside the folder", async () => {
  const temp = await Deno.makeTempDir();
  const agent = await Agent.open({ home: `${temp}/home` });
  await Deno.mkdir(`${temp}/data/2026/march`, { recursive: true });
  // A beamline without patience: any lock of the agent would end its run.
  using writer = new RunWriter(`${temp}/data/2026/march/b.db`, { name: "PS film" }, { busyTimeout: 0 })
    .open();
  try {
    const measure = (frames: number) => {
      const event = writer.writeEvent({ x: frames });
      for (let n = 0; n < frames; n++) {
        writer.writeImage(event, "ccd", { data: Uint8Array.of(n), shape: [1, 1] });
      }
    };
    writer.openRun("first");
    writer.openStream("primary", {});
    measure(2);
    await agent.sources.add({
      name: "beamline",
      backend: "resonance",
      config: { data_directory: `${temp}/data` },
      scope: "default",
    });
    const serving = await agent.serve();
    try {
      const states = () => agent.items.list({}).map((i) => i.state).sort();
      const until = async (expected: string[]) => {
        const end = Date.now() + PATIENCE_MS;
        while (JSON.stringify(states()) !== JSON.stringify(expected)) {
          assert(Date.now() < end, `${states()} instead of ${expected}`);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      await until(["live"]);
      const [first] = agent.items.list({});
      const dataset = async () => await agent.client.readDataset(first?.datasetUUID ?? "");
      for (const end = Date.now() + PATIENCE_MS; await dataset() === null;) {
        assert(Date.now() < end, "the dataset is there while the run is measured");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assertEquals((await dataset())?.files, []);
      writer.closeRun();
      await until(["done"]);
      writer.openRun("second");
      writer.openStream("primary", {});
      measure(1);
      await until(["done", "live"]);
      writer.closeRun({ exitStatus: "aborted" });
      await until(["done", "done"]);
      assertEquals(serving.activity().sources.map((s) => s.watching), ["polling"]);
    } finally {
      await serving.close();
    }
  } finally {
    await agent.close();
    await Deno.remove(temp, { recursive: true });
  }
});
