/** Live sessions beside what hangs, what comes in bulk, and many others. */
import { LIVE_RULES } from "../../src/readers/live/protocol.ts";
import { assert, assertEquals } from "../assert.ts";
import { append, Counts, LiveSandbox } from "../e2e/live_sandbox.ts";

Deno.test("a look that hangs is ended and its item synchronized; other sources notice nothing", async () => {
  await using box = await LiveSandbox.open({ restartMs: 20, lookMs: 400, rules: LIVE_RULES });
  await box.addFolders("lab");
  const path = await box.addDatabase("runs");
  await box.serve();
  await append(path, ["good 1"]);
  const good = new Counts(box.serving, (await box.live("good")).id);
  await box.count("lab", "bad", 1, "hang");
  await box.synced("bad");
  await append(path, ["good 2"]);
  await box.until("the good one goes on", () => good.values.length === 2);
  assertEquals(good.epochs.length, 1);
});

Deno.test("old data that come in bulk are not asked about, and delay no session", async () => {
  await using box = await LiveSandbox.open();
  await box.addFolders("lab", { asked: box.path("asked") });
  const old = new Date("2024-01-01");
  for (let i = 0; i < 2000; i++) {
    await box.count("lab", `old ${i}`, i, "end");
    await Deno.utime(box.path("lab", `old ${i}`, "counter.txt"), old, old);
  }
  await box.serve();
  await box.until("back-fill goes on", () => box.agent.items.list({ status: "synchronized" }).length > 3);
  await box.count("lab", "new", 1);
  const session = await box.live("new");
  assert(
    box.agent.items.list({ status: "pending", limit: 1000 }).length > 500,
    "it did not wait for the back-fill",
  );
  assertEquals(await Deno.readTextFile(box.path("asked")), "new\n");
  assertEquals(session.state, "running");
});

Deno.test("as many sessions as are allowed run at once, further items take the normal way", async () => {
  await using box = await LiveSandbox.open({ most: 64 });
  const path = await box.addDatabase("runs");
  await append(path, Array.from({ length: 66 }, (_, i) => `r${i} ${i}`));
  await box.serve();
  await box.until("64 sessions", () => box.sessions().length === 64, () => box.sessions().length);
  await box.until("the others", () => box.agent.items.list({ status: "synchronized" }).length === 2);
  const counts = box.sessions().map((s) => new Counts(box.serving, s.id));
  await append(path, Array.from({ length: 66 }, (_, i) => `r${i} 1`));
  await box.until("each has gone on", () => counts.every((c) => c.values.length === 2));
});
