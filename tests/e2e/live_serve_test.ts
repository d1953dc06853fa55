import { assert, assertEquals } from "../assert.ts";
import { append, Counts, LiveSandbox } from "./live_sandbox.ts";

Deno.test("a run in a folder is seen while it is measured, and synchronized once when it has ended", async () => {
  await using box = await LiveSandbox.open();
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run 1", 1, 2);
  const session = await box.live("run 1");
  const counts = new Counts(box.serving, session.id);
  await box.until(
    "the dataset exists",
    async () => (await box.agent.client.readDataset(session.dataset_uuid ?? ""))?.name === "count run 1",
  );
  assertEquals(box.item("run 1")?.state, "live");
  await box.count("lab", "run 1", "NaN");
  await box.until("the third count", () => counts.values.length === 3);
  assertEquals(counts.values, [1, 2, NaN]);
  const item = box.item("run 1");
  assert(item);
  assertEquals([item.state, await box.files(item)], ["live", []]);

  await box.count("lab", "run 1", 4, "end");
  const synced = await box.synced("run 1");
  assertEquals(counts.values, [1, 2, NaN, 4]);
  assertEquals([counts.end?.reason, counts.end?.complete], ["completed", true]);
  assertEquals(synced.datasetUUID, session.dataset_uuid);
  const [file, ...others] = await box.files(synced);
  assertEquals(others, []);
  assertEquals(file?.size, 14);
});

Deno.test("runs of a database are seen while they are measured, several at once", async () => {
  await using box = await LiveSandbox.open();
  const path = await box.addDatabase("runs");
  await box.serve();
  await append(path, ["a 1", "b 10", "a 2"]);
  const [a, b] = [await box.live("a"), await box.live("b")];
  const [countsA, countsB] = [new Counts(box.serving, a.id), new Counts(box.serving, b.id)];
  await append(path, ["a end", "b 20"]);
  await box.synced("a");
  await box.until("b goes on", () => countsB.values.length === 2);
  assertEquals([countsA.values, countsA.end?.reason], [[1, 2], "completed"]);
  assertEquals([countsB.values, countsB.end], [[10, 20], undefined]);
  await append(path, ["b end"]);
  await box.synced("b");
});
