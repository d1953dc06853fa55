/** Readers that lag, and readers that hear nothing (E8). */
import { assert, assertEquals } from "../../tests/assert.ts";
import { type Env, systemEnv } from "../env.ts";
import type { LiveEvent } from "./live_event.ts";
import { type Mergeable, mergeEvents } from "./merge_events.ts";
import { HEARTBEAT_MS, LiveSessions } from "./live_sessions.ts";
import { eventOf, type LiveSubscription, SLOW_MS } from "./subscription.ts";
import { FACTS, floats, STRUCTURE } from "./test_run.ts";

const STAMP = { session: "s", epoch: "e", t: 0 };

function patch(seq: number, ...block: Parameters<typeof floats>): Mergeable {
  return { ...floats(...block), ...STAMP, seq };
}

function extent(seq: number, name: string, shape: number[]): Mergeable {
  return { type: "extent", ...STAMP, seq, var: name, shape };
}

/** What was merged, with the numbers of a block as they were given. */
function brief(events: Mergeable[]): unknown[] {
  return events.map((e) => {
    const numbered = [e.seq_from ?? e.seq, e.seq, e.var];
    if (e.type === "extent") return [...numbered, e.shape];
    assert(typeof e.data === "string");
    return [...numbered, e.offset, e.shape, [...new Float64Array(Uint8Array.fromBase64(e.data).buffer)]];
  });
}

Deno.test("merged patches hold the same cells with their newest values, and can be cut off after any", () => {
  const merged = mergeEvents([
    extent(5, "x", [1]),
    patch(6, "x", [0], [1], [1]),
    extent(7, "x", [2]),
    patch(8, "x", [1], [1], [2]),
    patch(9, "y", [0, 0], [1, 2], [10, 11]),
    patch(10, "x", [0], [1], [3]),
    patch(11, "y", [5, 0], [1, 1], [50]),
    patch(12, "y", [1, 0], [1, 2], [12, 13]),
    patch(13, "y", [0, 1], [1, 1], [-11]),
  ], () => "f8");
  assertEquals(brief(merged), [
    [5, 5, "x", [2]],
    [6, 8, "x", [0], [2], [3, 2]],
    [9, 10, "y", [0, 0], [2, 2], [10, -11, 12, 13]],
    [11, 13, "y", [5, 0], [1, 1], [50]],
  ]);
});

Deno.test("boxes that overlap without being one keep the newest value in both", () => {
  const merged = mergeEvents([
    patch(1, "y", [0, 0], [2, 2], [1, 2, 3, 4]),
    patch(2, "y", [1, 1], [2, 2], [5, 6, 7, 8]),
    patch(3, "y", [0, 0], [2, 2], [10, 20, 30, 40]),
  ], () => "f8");
  assertEquals(brief(merged), [
    [1, 1, "y", [0, 0], [2, 2], [10, 20, 30, 40]],
    [2, 3, "y", [1, 1], [2, 2], [40, 6, 7, 8]],
  ]);
});

function drained(subscription: LiveSubscription): LiveEvent[] {
  const events: LiveEvent[] = [];
  for (let m = subscription.ready(); m; m = subscription.ready()) events.push(eventOf(m));
  return events;
}

Deno.test("a reader that lags is told less often, one far behind gets a snapshot, others notice nothing", () => {
  let clock = 0;
  const env: Env = { ...systemEnv, monotonic: () => clock };
  const sessions = new LiveSessions({ env, window: { events: 10_000, bytes: 100_000 } });
  try {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    const [quick, slow] = [sessions.subscribe(feed.id), sessions.subscribe(feed.id)];
    drained(slow);
    // A snapshot in place of the first event.
    let told = drained(quick).length;
    const measure = (n: number) => {
      const known = feed.view.seq;
      for (let i = 0; i < n; i++) {
        feed.apply([floats("x", [i], [1], [i])]);
        told += drained(quick).length;
      }
      return feed.view.seq - known;
    };
    measure(50);
    clock += SLOW_MS + 1;
    const merged = drained(slow);
    assertEquals(merged.map((e) => e.type), ["extent", "patch"]);
    assertEquals(merged.at(-1)?.seq, feed.view.seq);
    // What is not old is told as it was, also when there is much of it.
    const more = measure(50);
    assertEquals(drained(slow).length, more);
    measure(1000);
    assertEquals(drained(slow).map((e) => [e.type, e.seq]), [["snapshot", feed.view.seq]]);
    assertEquals(told, feed.view.seq);
  } finally {
    sessions.close();
  }
});

Deno.test("who hears nothing for five seconds is told that all is well", async () => {
  let clock = 0;
  const waits: (() => void)[] = [];
  const env: Env = {
    ...systemEnv,
    monotonic: () => clock,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        waits.push(resolve);
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  const sessions = new LiveSessions({ env });
  try {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    const reader = sessions.subscribe(feed.id);
    assertEquals((await reader.next())?.type, "snapshot");
    const next = reader.next();
    for (; clock <= HEARTBEAT_MS; clock += 500) {
      waits.splice(0).forEach((wake) => wake());
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const heartbeat = await next;
    assertEquals([heartbeat?.type, heartbeat?.seq, feed.view.seq], ["heartbeat", 1, 1]);
  } finally {
    sessions.close();
  }
});
