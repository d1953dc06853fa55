import { LIVE_RULES } from "../../src/readers/live/protocol.ts";
import { assert, assertEquals, assertStringIncludes } from "../assert.ts";
import { append, Counts, LiveSandbox } from "./live_sandbox.ts";

/** Shortened times of silence, and of what follows when a live host fails. */
const SHORT = { restartMs: 20, rules: { ...LIVE_RULES, stalled: 400, parked: 900, parkedPoll: 100 } };

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
  assertEquals([box.item("run 1")?.state, box.serving.activity().live], ["live", 1]);
  await box.count("lab", "run 1", "NaN");
  await box.until("the third count", () => counts.values.length === 3);
  assertEquals(counts.values, [1, 2, NaN]);
  const item = box.item("run 1");
  assert(item);
  assertEquals([item.state, await box.files(item)], ["live", []]);
  assert((await Deno.stat(session.live_file ?? "")).size > 0);

  await box.count("lab", "run 1", 4, "end");
  const synced = await box.synced("run 1");
  assertEquals(counts.values, [1, 2, NaN, 4]);
  assertEquals([counts.end?.reason, counts.end?.complete], ["completed", true]);
  assertEquals(synced.datasetUUID, session.dataset_uuid);
  const [file, ...others] = await box.files(synced);
  assertEquals(others, []);
  assertEquals(file?.size, 14);
  const record = JSON.stringify(box.agent.items.get(synced.id).sync_record);
  assert(record.includes('followed live until it was completed: \\"end\\" after 4 counts'), record);
  await box.until("the live file is gone", () => isGone(box.path("home", "live", synced.datasetUUID)));
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

Deno.test("a run without a point is open, and ends", async () => {
  await using box = await LiveSandbox.open();
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "empty");
  const session = await box.live("empty");
  const counts = new Counts(box.serving, session.id);
  await box.count("lab", "empty", "end");
  await box.until("the end", () => counts.end !== undefined);
  assertEquals([counts.values, counts.epochs.length], [[], 1]);
  await box.synced("empty");
});

Deno.test("a session that fails ends as failed, and its item takes the normal way", async () => {
  await using box = await LiveSandbox.open(SHORT);
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const counts = new Counts(box.serving, (await box.live("run")).id);
  await box.count("lab", "run", "throw");
  await box.until("the end", () => counts.end !== undefined);
  assertEquals([counts.end?.reason, counts.end?.complete], ["failed", "unknown"]);
  assert(counts.end?.evidence.includes("told to throw"), counts.end?.evidence);
  await box.synced("run");
});

Deno.test("a silent run of a database is synchronized as far as it got, and followed on when it moves", async () => {
  await using box = await LiveSandbox.open(SHORT);
  const path = await box.addDatabase("runs");
  await box.serve();
  await append(path, ["a 1"]);
  const counts = new Counts(box.serving, (await box.live("a")).id);
  const partial = await box.synced("a");
  assertEquals([counts.states, (await box.files(partial)).map((f) => f.size)], [["stalled"], [2]]);
  await append(path, ["a 2"]);
  await box.until("it goes on", () => counts.values.length === 2 && box.item("a")?.state === "live");
  assertEquals([counts.states, counts.epochs.length, counts.end], [["stalled", "running"], 1, undefined]);
  await append(path, ["a end"]);
  await box.until("the end", () => counts.end !== undefined);
  const whole = await box.synced("a");
  assertEquals((await box.files(whole)).map((f) => f.size).at(-1), 8);
});

Deno.test("a silent run in a folder is inactive, and followed again when it moves", async () => {
  await using box = await LiveSandbox.open(SHORT);
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const first = new Counts(box.serving, (await box.live("run")).id);
  await box.until("the end", () => first.end !== undefined);
  assertEquals([first.end?.reason, first.end?.complete], ["inactive", "unknown"]);
  await box.synced("run");
  await box.count("lab", "run", 2);
  const again = new Counts(box.serving, (await box.live("run")).id);
  await box.until("both counts", () => again.values.length === 2);
});

Deno.test("a table that grows no more is recorded as incomplete, for nobody knows whether it is finished", async () => {
  await using box = await LiveSandbox.open(SHORT);
  await Deno.mkdir(box.path("tables", "run"), { recursive: true });
  await Deno.writeTextFile(box.path("tables", "run", "_QH_dataset_info.yaml"), "live: true\n");
  await Deno.writeTextFile(box.path("tables", "run", "t.csv"), "a\n1\n");
  const config = { root_directory: box.path("tables"), is_server_folder: false };
  await box.agent.sources.add({ name: "tables", backend: "folderbase", config, scope: "default" });
  await box.serve();
  const { id } = await box.synced("run");
  assertEquals(box.sessions().map(({ end }) => end?.reason), ["inactive"]);
  const { sync_record } = box.agent.items.get(id);
  assertStringIncludes(JSON.stringify(sync_record), '"code":"incomplete"');
});

Deno.test("nothing stays of what was followed in a source that is removed", async () => {
  await using box = await LiveSandbox.open();
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const { live_file } = await box.live("run");
  await box.until("its file is there", async () => !await isGone(live_file ?? ""));
  box.agent.sources.remove("lab");
  box.serving.notice();
  await box.until("its file is gone", () => isGone(live_file ?? ""));
});

Deno.test("what was followed goes when its item is synchronized, also by an agent that follows nothing", async () => {
  await using box = await LiveSandbox.open();
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const { live_file } = await box.live("run");
  await box.until("its file is there", async () => !await isGone(live_file ?? ""));
  await box.serving.close();
  await box.count("lab", "run", "end");
  await box.agent.once();
  assertEquals(box.item("run")?.status, "synchronized");
  await box.until("its file is gone", () => isGone(live_file ?? ""));
});

Deno.test("a killed live host leaves no files of its sessions behind", async () => {
  await using box = await LiveSandbox.open({ restartMs: 20 });
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const before = await box.live("run");
  const left = () => [...Deno.readDirSync(box.path("home", "staging"))].filter((e) => /^live-/.test(e.name));
  assertEquals(left().length, 1);
  Deno.kill(box.hosts()[0] ?? 0, "SIGKILL");
  await box.until("it is followed again", () => box.session("run")?.epoch !== before.epoch);
  assertEquals(left().length, 1);
  await box.count("lab", "run", "end");
  await box.synced("run");
  await box.until("its folder is gone", () => left().length === 0);
});

Deno.test("an input that goes away while it is followed is lost", async () => {
  await using box = await LiveSandbox.open(SHORT);
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const counts = new Counts(box.serving, (await box.live("run")).id);
  await Deno.rename(box.path("lab", "run"), box.path("lab", "renamed"));
  await box.until("the end", () => counts.end !== undefined);
  assert(["lost", "failed"].includes(counts.end?.reason ?? ""));
  await box.until("it is found again", () => box.item("renamed") !== undefined);
});

async function isGone(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => false, () => true);
}
