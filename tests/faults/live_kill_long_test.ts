/** A serving agent that is killed while it follows a run. */
import { z } from "zod";
import { REPOSITORY } from "../../src/cli/test_cli.ts";
import { Agent } from "../../src/engine/agent.ts";
import { assertEquals, assertNotEquals } from "../assert.ts";
import { COUNTING, LiveSandbox } from "../e2e/live_sandbox.ts";

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
