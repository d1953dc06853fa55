/** Random runs with random readers: who applies what it is told has exactly the cells that were measured (E6, E7, E8). */
import { assert, assertEquals } from "../../tests/assert.ts";
import { type Env, systemEnv } from "../env.ts";
import { LiveModel } from "../sdk/live_model.ts";
import { type Block, LiveEvent, type Variable, type WireChange } from "./live_event.ts";
import type { LiveFeed } from "./live_feed.ts";
import { LiveSessions } from "./live_sessions.ts";
import { type LiveSubscription, textOf } from "./subscription.ts";
import { FACTS } from "./test_run.ts";

type Random = (below: number) => number;

function seeded(seed: number): Random {
  return (below) => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
}

const DTYPES: Variable["dtype"][] = ["f8", "i8", "c16", "text"];

/** What was measured, by coordinates: the simplest thing that can be right. */
class Truth {
  readonly cells = new Map<string, Map<string, string>>();
  readonly shapes = new Map<string, number[]>();

  constructor(readonly variables: Variable[]) {
    for (const { name, shape } of variables) {
      this.cells.set(name, new Map());
      this.shapes.set(name, [...shape]);
    }
  }

  apply(change: WireChange): void {
    const cells = this.cells.get(change.var) ?? new Map<string, string>();
    const known = this.shapes.get(change.var) ?? [];
    if (change.type === "extent") {
      this.shapes.set(change.var, change.shape);
      for (const at of [...cells.keys()]) {
        if (JSON.parse(at).some((i: number, axis: number) => i >= (change.shape[axis] ?? 0))) {
          cells.delete(at);
        }
      }
      return;
    }
    const values = texts(change, this.variables.find((v) => v.name === change.var)?.dtype ?? "f8");
    coordinates(change.shape).forEach((index, i) => {
      const at = index.map((n, axis) => n + (change.offset[axis] ?? 0));
      cells.set(JSON.stringify(at), values[i] ?? "");
      at.forEach((n, axis) => known[axis] = Math.max(known[axis] ?? 0, n + 1));
    });
  }
}

function coordinates(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (found, length) => found.flatMap((at) => Array.from({ length }, (_, i) => [...at, i])),
    [[]],
  );
}

function texts({ data }: Pick<Block, "data">, dtype: Variable["dtype"]): string[] {
  if (typeof data !== "string") return data;
  const bytes = Uint8Array.fromBase64(data);
  const size = dtype === "c16" ? 16 : 8;
  return Array.from({ length: bytes.length / size }, (_, i) => bytes.slice(i * size, (i + 1) * size).toHex());
}

function assertSame(model: LiveModel, truth: Truth): void {
  for (const { name, dtype } of truth.variables) {
    const cells = model.variables.get(name);
    assert(cells);
    assertEquals([...cells.shape], truth.shapes.get(name) ?? []);
    const values = cells.values();
    const found = Array.isArray(values)
      ? values
      : texts({ data: new Uint8Array(values.buffer, 0, values.byteLength).toBase64() }, dtype);
    const written = cells.written();
    const known = coordinates(cells.shape).flatMap((at, i): [string, string][] =>
      written[i] ? [[JSON.stringify(at), found[i] ?? ""]] : []
    );
    assertEquals(known.sort(), [...truth.cells.get(name) ?? []].sort());
  }
}

function structure(random: Random): Variable[] {
  return Array.from({ length: 1 + random(4) }, (_, i) => {
    const dims = random(4);
    return {
      name: `v${i}`,
      dtype: DTYPES[random(4)] ?? "f8",
      dims: Array.from({ length: dims }, (_, axis) => `d${axis}`),
      shape: Array.from({ length: dims }, () => random(4)),
      role: "measured",
      units: null,
      long_name: null,
      depends_on: [],
    };
  });
}

function change(random: Random, truth: Truth): WireChange {
  const variable = truth.variables[random(truth.variables.length)];
  assert(variable);
  const { name, dtype } = variable;
  const shape = truth.shapes.get(name) ?? [];
  if (random(8) === 0) {
    return {
      type: "extent",
      var: name,
      shape: shape.map((n) => Math.max(0, n + random(5) - 2)),
    };
  }
  // Most runs are filled row by row; some are not.
  const appends = random(2) === 0;
  const offset = shape.map((n, axis) => appends && axis === 0 ? n : random(Math.min(n, 8) + 1));
  const block = { var: name, offset, shape: shape.map(() => 1 + random(3)) };
  const cells = coordinates(block.shape).length;
  if (dtype === "text") {
    const data = Array.from({ length: cells }, () => `"${random(1000)}\n`);
    return { type: "patch", ...block, encoding: "json", data };
  }
  const words = new Float64Array(cells * (dtype === "c16" ? 2 : 1)).map(() =>
    random(10) === 0 ? NaN : random(1e6)
  );
  const data = new Uint8Array(words.buffer).toBase64();
  return { type: "patch", ...block, encoding: dtype === "i8" ? "i64le" : "f64le", data };
}

/** Reads when it likes, is cut off now and then, and goes on where it was. */
class Reader {
  readonly model = new LiveModel();
  readonly seen: LiveEvent["type"][] = [];
  merged = 0;
  #subscription: LiveSubscription | undefined;

  constructor(private readonly sessions: LiveSessions, private readonly id: string) {}

  read(most: number): void {
    const { epoch, seq } = this.model;
    this.#subscription ??= this.sessions.subscribe(this.id, epoch ? { epoch, after: seq } : {});
    for (let i = 0; i < most; i++) {
      const message = this.#subscription.ready();
      if (!message) return;
      const event = LiveEvent.parse(JSON.parse(textOf(message)));
      assertEquals([message.seq, message.type], [event.seq, event.type]);
      if ("seq_from" in event) {
        assert((event.seq_from ?? 0) < event.seq);
        this.merged++;
      }
      this.seen.push(event.type);
      this.model.apply(event);
    }
  }

  cut(): void {
    this.#subscription?.cancel();
    this.#subscription = undefined;
  }
}

function run(seed: number, folder: string): Map<string, number> {
  const random = seeded(seed);
  let clock = 0;
  const env: Env = { ...systemEnv, monotonic: () => clock };
  const sessions = new LiveSessions({
    env,
    folder,
    cellsInMemory: 5 * 16 * 1024,
    eventsInMemory: 20_000,
    window: { events: 300, bytes: random(2) ? 1e6 : 20_000 },
  });
  try {
    const feed: LiveFeed = sessions.begin(FACTS);
    let truth = new Truth([]);
    const open = () => {
      const variables = structure(random);
      truth = new Truth(variables);
      feed.open({ name: "run", attrs: { seed }, variables });
    };
    open();
    const readers = Array.from({ length: 4 }, () => new Reader(sessions, feed.id));
    const attentive = new Reader(sessions, feed.id);
    for (let step = 0; step < 200; step++) {
      clock += random(150);
      if (random(120) === 0) open();
      for (let i = 0; i < 1 + random(4); i++) {
        const next = change(random, truth);
        truth.apply(next);
        feed.apply([next]);
      }
      if (random(30) === 0) feed.state(random(2) ? "stalled" : "running");
      attentive.read(Infinity);
      if (step % 60 === 0) assertSame(attentive.model, truth);
      readers.forEach((reader, i) => {
        if (random(20) === 0) reader.cut();
        if (random(1 + i * 12) === 0) reader.read(1 + random(20));
      });
    }
    feed.end({ reason: "completed", evidence: "over", complete: true });
    const counts = new Map<string, number>();
    for (const reader of [...readers, attentive]) {
      reader.read(Infinity);
      assertSame(reader.model, truth);
      assertEquals(reader.model.end?.reason, "completed");
      assertEquals(reader.model.seq, feed.view.seq);
      counts.set("merged", (counts.get("merged") ?? 0) + reader.merged);
      for (const type of reader.seen) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    // Who is not slow is told everything as it was.
    assertEquals([attentive.merged, attentive.seen.filter((t) => t === "snapshot").length], [0, 1]);
    return counts;
  } finally {
    sessions.close();
  }
}

Deno.test("every reader ends with the cells that were measured, however slow it is and however often it is cut off", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const totals = new Map<string, number>();
    for (let seed = 1; seed <= 8; seed++) {
      try {
        for (const [what, n] of run(seed, folder)) totals.set(what, (totals.get(what) ?? 0) + n);
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
    // All ways of being told something really happened.
    for (const what of ["merged", "snapshot", "patch", "extent", "state", "end", "open"]) {
      assert((totals.get(what) ?? 0) > 8, `${what}: ${totals.get(what)}`);
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
