import { assert, assertEquals } from "../../tests/assert.ts";
import { until } from "../../tests/until.ts";
import { type Env, systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { ABSENT_MS, LiveForwarder, type LiveUplink } from "./live_forwarder.ts";
import { LiveSessions } from "./live_sessions.ts";
import { RelayBatch, type RelayPosition } from "./relay_batch.ts";
import { FACTS, floats, STRUCTURE } from "./test_run.ts";

/** A hub that does what a test says. */
class FakeHub implements LiveUplink {
  batches: RelayBatch[] = [];
  answer: () => RelayPosition | null | Promise<RelayPosition> = () => this.position;
  readonly sessions = new LiveSessions({ env: systemEnv });
  position: RelayPosition = { epoch: null, seq: 0 };

  async relay(id: string, text: string): Promise<RelayPosition | null> {
    const batch = RelayBatch.parse(JSON.parse(text));
    this.batches.push(batch);
    this.position = this.sessions.adopt({ ...batch.facts, id }).receive(batch.facts, batch.events);
    return await this.answer();
  }
}

/** A clock that stands; waiting takes no time to speak of. */
function testEnv(): { env: Env; sleeps: number[] } {
  const sleeps: number[] = [];
  return {
    sleeps,
    env: {
      ...systemEnv,
      monotonic: () => 0,
      sleep: (ms, signal) => {
        sleeps.push(ms);
        return systemEnv.sleep(Math.min(ms, 5), signal);
      },
    },
  };
}

Deno.test("a platform that takes no live measurements is asked once an hour, and holds up nobody", async () => {
  const { env, sleeps } = testEnv();
  const [hub, sessions] = [new FakeHub(), new LiveSessions({ env: systemEnv })];
  hub.answer = () => null;
  const log: string[] = [];
  const forwarder = new LiveForwarder({ sessions, uplink: hub, env, log: (line) => log.push(line) });
  try {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    await until(() => sleeps.includes(ABSENT_MS));
    assertEquals(hub.batches.length > 0, true);
    feed.apply([floats("x", [0], [1], [1])]);
    assertEquals(feed.view.seq, 3);
    assertEquals(log.length, 1);
    feed.end({ reason: "completed", evidence: "over", complete: true });
  } finally {
    sessions.close();
    await forwarder.close();
    hub.sessions.close();
  }
});

Deno.test("lost answers and a hub that forgets lead to the same cells, without a doubled event", async () => {
  const { env } = testEnv();
  const [hub, sessions] = [new FakeHub(), new LiveSessions({ env: systemEnv })];
  let calls = 0;
  // Every third answer is lost, although the batch arrived.
  hub.answer = () => {
    if (++calls % 3 === 0) throw new SyncError("network", "connection_lost", "the connection broke");
    return hub.position;
  };
  const forwarder = new LiveForwarder({ sessions, uplink: hub, env });
  try {
    const feed = sessions.begin({ ...FACTS, dataset_uuid: null });
    feed.open(STRUCTURE);
    feed.update({ dataset_uuid: FACTS.dataset_uuid });
    const reader = (async () => {
      await until(() => hub.sessions.list().length === 1);
      const seqs: number[] = [];
      for await (const { seq, type } of hub.sessions.subscribe(feed.id)) {
        if (type !== "heartbeat") seqs.push(seq);
      }
      return seqs;
    })();
    for (let i = 0; i < 40; i++) {
      feed.apply([floats("y", [i, 0], [1, 3], [i, NaN, -i])]);
      await until(() => hub.position.seq >= feed.view.seq - 4);
    }
    feed.end({ reason: "completed", evidence: "over", complete: true });
    const seqs = await reader;
    assertEquals(seqs, Array.from({ length: seqs.length }, (_, i) => (seqs[0] ?? 0) + i));
    assertEquals([hub.position.seq, hub.sessions.list()[0]?.state], [feed.view.seq, "ended"]);
    assert(hub.batches.every((batch) => batch.facts.live_file === null));
  } finally {
    await forwarder.close();
    sessions.close();
    hub.sessions.close();
  }
});

Deno.test("the end is still told when the agent stops", async () => {
  const [hub, sessions] = [new FakeHub(), new LiveSessions({ env: systemEnv })];
  const forwarder = new LiveForwarder({ sessions, uplink: hub, env: systemEnv });
  const feed = sessions.begin(FACTS);
  feed.open(STRUCTURE);
  feed.end({ reason: "stopped", evidence: "the agent ends", complete: null });
  await forwarder.close();
  assertEquals(hub.sessions.list().map((s) => s.end?.reason), ["stopped"]);
  sessions.close();
  hub.sessions.close();
});
