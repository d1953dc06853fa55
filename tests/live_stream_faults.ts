/**
 * A measurement that is followed over real HTTP through connections that break all the time: what a reader is told is
 * checked event by event, and what it knows at the end cell by cell.
 */
import { assert, assertEquals } from "./assert.ts";
import { systemEnv } from "../src/env.ts";
import { eventReply } from "../src/live/event_reply.ts";
import { LiveSessions } from "../src/live/live_sessions.ts";
import type { LiveFeed } from "../src/live/live_feed.ts";
import { FACTS, floats } from "../src/live/test_run.ts";
import { LiveClient } from "../src/sdk/live_client.ts";
import { LiveModel } from "../src/sdk/live_model.ts";

export interface FaultyRun {
  /** Changes of cells. */
  updates: number;
  /** Changes between two turns of others. */
  burst: number;
  /** A connection breaks after this many bytes on average. */
  cutAfter: number;
  /** One reader each; ms that it rests after every 500 events. */
  readers: number[];
}

export interface ReaderReport {
  events: number;
  snapshots: number;
  merged: number;
}

export interface FaultyReport {
  cuts: number;
  events: number;
  ms: number;
  readers: ReaderReport[];
}

/** Events that the first reader may be behind. */
const BEHIND = 5_000;
const MAP = [100, 100];

/** What the measurement writes: a trace that grows, and a map that is averaged over and over. */
class Measurement {
  readonly trace: Float64Array;
  readonly map = new Float64Array(10_000);
  readonly mapWritten = new Set<number>();
  points = 0;

  constructor(readonly feed: LiveFeed, updates: number) {
    this.trace = new Float64Array(updates);
    const plain = { units: null, long_name: null, depends_on: [] };
    feed.open({
      name: "faulty",
      attrs: {},
      variables: [
        { ...plain, name: "trace", dtype: "f8", dims: ["t"], shape: [0], role: "measured" },
        { ...plain, name: "map", dtype: "f8", dims: ["a", "b"], shape: MAP, role: "measured" },
      ],
    });
  }

  update(i: number): void {
    if (i % 2 === 0) {
      // Room is made for many points at once, as most sources do it.
      if (this.points % 100 === 0) {
        this.feed.apply([{ type: "extent", var: "trace", shape: [this.points + 100] }]);
      }
      this.trace[this.points] = i;
      this.feed.apply([floats("trace", [this.points++], [1], [i])]);
      return;
    }
    const cell = (i * 7919) % 10_000;
    this.map[cell] = i;
    this.mapWritten.add(cell);
    this.feed.apply([floats("map", [Math.floor(cell / 100), cell % 100], [1, 1], [i])]);
  }

  /** The reader knows exactly what was written. */
  assertKnown(model: LiveModel): void {
    const [trace, map] = [model.variables.get("trace"), model.variables.get("map")];
    assert(trace && map);
    assertEquals([...trace.shape], [Math.ceil(this.points / 100) * 100]);
    assert(trace.written().every((bit, i) => bit === Number(i < this.points)), "a point is missing");
    assertSame(trace.values().slice(0, this.points), this.trace.subarray(0, this.points));
    assertEquals(map.count, this.mapWritten.size);
    assertSame(map.values(), this.map);
  }
}

function assertSame(found: ArrayLike<unknown>, expected: Float64Array): void {
  assertEquals(found.length, expected.length);
  const wrong = expected.findIndex((value, i) => found[i] !== value);
  if (wrong >= 0) throw new Error(`cell ${wrong} is ${found[wrong]}, not ${expected[wrong]}`);
}

/** Passes bytes on, and breaks each connection after some of them. */
function faultyProxy(port: number, cutAfter: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const report = { cuts: 0 };
  let whole = false;
  const done = (async () => {
    for await (const client of listener) void pass(client);
  })();

  async function pass(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    open.add(client).add(server);
    const close = () => {
      for (const conn of [client, server]) {
        if (!open.delete(conn)) continue;
        conn.close();
      }
    };
    void client.readable.pipeTo(server.writable).catch(() => {}).finally(close);
    let left = 2000 + Math.random() * 2 * cutAfter;
    const buffer = new Uint8Array(16 * 1024);
    try {
      for (;;) {
        const n = await server.read(buffer);
        if (n === null) break;
        left -= n;
        // In the middle of whatever was being said.
        const length = left < 0 && !whole ? Math.max(0, n + Math.floor(left)) : n;
        for (let at = 0; at < length;) at += await client.write(buffer.subarray(at, length));
        if (left < 0 && !whole) {
          report.cuts++;
          break;
        }
      }
    } catch {
      // The reader went first.
    }
    close();
  }

  return {
    port: listener.addr.port,
    report,
    /** No more cuts. */
    heal: () => void (whole = true),
    async close() {
      listener.close();
      for (const conn of [...open]) {
        if (open.delete(conn)) conn.close();
      }
      await done.catch(() => {});
    },
  };
}

/** Follows until the end, and checks that no event is missing, doubled or out of order. */
async function read(client: LiveClient, id: string, slowMs: number, model: LiveModel): Promise<ReaderReport> {
  const report = { events: 0, snapshots: 0, merged: 0 };
  for await (const event of client.events(id)) {
    report.events++;
    if (event.type === "snapshot") {
      report.snapshots++;
      assert(event.epoch !== model.epoch || event.seq >= model.seq, "a snapshot goes back");
    } else {
      const from = "seq_from" in event ? event.seq_from ?? event.seq : event.seq;
      assertEquals([event.epoch, from], [model.epoch || event.epoch, model.seq + 1]);
      if (from < event.seq) report.merged++;
    }
    model.apply(event);
    if (slowMs > 0 && report.events % 500 === 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
  }
  return report;
}

export async function faultyRun({ updates, burst, cutAfter, readers }: FaultyRun): Promise<FaultyReport> {
  const sessions = new LiveSessions({ env: systemEnv });
  const closing = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response(null, { status: 500 }) },
    (request) =>
      eventReply(sessions, new URL(request.url).pathname.split("/").at(-2) ?? "", request, closing.signal),
  );
  const proxy = faultyProxy(server.addr.port, cutAfter);
  const begun = performance.now();
  try {
    const measurement = new Measurement(sessions.begin(FACTS), updates);
    const { id } = measurement.feed;
    const models = readers.map(() => new LiveModel());
    const reading = readers.map((slowMs, i) =>
      read(
        new LiveClient({ url: `http://127.0.0.1:${proxy.port}`, pauseMs: 100 }),
        id,
        slowMs,
        models[i] ?? new LiveModel(),
      )
    );
    for (let i = 0; i < updates;) {
      for (const stop = Math.min(updates, i + burst); i < stop; i++) measurement.update(i);
      // As fast as the first reader can follow: most is then told event by event, and replayed after a cut.
      do await new Promise((resolve) => setTimeout(resolve, 0)); while (
        measurement.feed.view.seq - (models[0]?.seq ?? 0) > BEHIND
      );
    }
    measurement.feed.end({ reason: "completed", evidence: "all updates were made", complete: true });
    const reports = await Promise.all(reading);
    models.forEach((model) => {
      measurement.assertKnown(model);
      assertEquals([model.seq, model.end?.reason], [measurement.feed.view.seq, "completed"]);
    });
    const ms = performance.now() - begun;
    return { cuts: proxy.report.cuts, events: measurement.feed.view.seq, ms, readers: reports };
  } finally {
    closing.abort();
    await proxy.close();
    await server.shutdown();
    sessions.close();
  }
}
