/** Agents and live hosts that are killed or stopped while they follow a run. */
import { z } from "zod";
import { REPOSITORY } from "../../src/cli/test_cli.ts";
import { Agent } from "../../src/engine/agent.ts";
import { assertEquals, assertNotEquals } from "../assert.ts";
import { append, COUNTING, Counts, LiveSandbox } from "../e2e/live_sandbox.ts";

Deno.test("an agent that is killed follows the run on in another epoch, and makes one dataset of it", async () => {
  await using box = await LiveSandbox.open();
  await box.addFolders("lab");
  await box.agent.close();
  const first = new Child(box.path("home"));
  await box.count("lab", "run", 1);
  const before = await first.session();
  first.process.kill("SIGKILL");
  await first.process.status;
  await box.count("lab", "run", 2);
  const second = new Child(box.path("home"));
  const after = await second.session();
  assertNotEquals(after.epoch, before.epoch);
  assertEquals(after.dataset_uuid, before.dataset_uuid);
  second.process.kill("SIGTERM");
  await second.process.status;
  box.agent = await Agent.open({ home: box.path("home"), load: [COUNTING] });
  await box.serve();
  await box.live("run");
  await box.count("lab", "run", "end");
  const item = await box.synced("run");
  assertEquals(item.datasetUUID, before.dataset_uuid);
  assertEquals((await box.agent.client.searchDatasets({}, { limit: 10 })).map((d) => d.uuid), [
    item.datasetUUID,
  ]);
});

Deno.test("a killed live host is replaced: the same session goes on in another epoch", async () => {
  await using box = await LiveSandbox.open({ restartMs: 20 });
  const path = await box.addDatabase("runs");
  await box.serve();
  await append(path, ["a 1", "a crash"]);
  // Its process ends whenever it reads that line; what was told before stays told.
  await box.until("it is given up", () => box.item("a")?.status === "synchronized");
  const [session] = box.sessions();
  if (session) assertEquals([session.state, session.end?.reason], ["ended", "failed"]);

  await append(path, ["b 1"]);
  const other = await box.live("b");
  const counts = new Counts(box.serving, other.id);
  await box.until("the first count", () => counts.values.length === 1);
  Deno.kill(box.hosts()[0] ?? 0, "SIGKILL");
  await append(path, ["b 2", "b end"]);
  await box.until(
    "another epoch with both counts",
    () => counts.epochs.length === 2 && counts.values.length === 2,
  );
  assertEquals(counts.values, [1, 2]);
  await box.until("its end", () => counts.end !== undefined);
  assertEquals([counts.end?.reason, counts.end?.complete], ["completed", true]);
  await box.synced("b");
});

Deno.test("what is stopped ends as stopped, and is followed again when it is started", async () => {
  await using box = await LiveSandbox.open({ restartMs: 20 });
  await box.addFolders("lab");
  await box.serve();
  await box.count("lab", "run", 1);
  const first = new Counts(box.serving, (await box.live("run")).id);
  box.agent.sources.stop("lab");
  box.serving.notice();
  await box.until("the end", () => first.end !== undefined);
  assertEquals(first.end?.reason, "stopped");
  box.agent.sources.start("lab");
  box.serving.notice();
  const second = await box.live("run");
  await box.restart();
  const third = await box.live("run");
  assertNotEquals(third.epoch, second.epoch);
  await box.count("lab", "run", "end");
  await box.synced("run");
  assertEquals((await box.agent.client.searchDatasets({}, { limit: 10 })).length, 1);
});

const Session = z.object({ epoch: z.string(), dataset_uuid: z.string(), seq: z.number() });

/** An agent in a process of its own. */
class Child {
  readonly process: Deno.ChildProcess;

  constructor(home: string) {
    this.process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", "tests/faults/live_child.ts", home],
      cwd: REPOSITORY,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  }

  /** The one session, once it told values. */
  async session(): Promise<z.infer<typeof Session>> {
    let text = "";
    const reader = this.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      for (const line of text.split("\n").slice(0, -1)) {
        const [session] = z.array(Session).parse(JSON.parse(line));
        if (session && session.seq > 1) {
          reader.cancel();
          return session;
        }
      }
    }
    throw new Error(`it ended; it said ${text}`);
  }
}
