/**
 * Running measurements: how soon a value that a writer has committed is at a local subscriber of `serve`, what following
 * costs the writer and the computer, beside the approach that copies the whole file twice a second. Prints, judges
 * nothing. Needs Linux, and a Python with h5py, xarray, h5netcdf, qcodes, psycopg2: `ETIKET_BENCH_PYTHON=…/python`.
 *
 *     deno run -A tests/bench/live_latency.ts [--kinds qcodes,swmr] [--runs 1,4,16] [--mib 1,64] [--points 200]
 *       [--interval 0.05] [--parts latency,peer,writer,idle]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sourcesToml } from "../faults/every_source.ts";
import { type AgentAddress, liveSessions, LiveSubscriber } from "../live_subscriber.ts";
import { ServingProcess } from "../serving_process.ts";
import { type Kind, KINDS, Lab, type Writer, type WriterOptions } from "./live/lab.ts";
import { cpuSeconds, median, readText, tree } from "./measure.ts";

const { values: options } = parseArgs({
  options: {
    kinds: { type: "string", default: KINDS.join() },
    runs: { type: "string", default: "1,4" },
    mib: { type: "string", default: "1" },
    points: { type: "string", default: "100" },
    interval: { type: "string", default: "0.05" },
    parts: { type: "string", default: "latency,peer,writer,idle" },
  },
});
const numbers = (text: string) => text.split(",").map(Number);
const parts = options.parts.split(",");
const kinds = KINDS.filter((kind) => options.kinds.split(",").includes(kind));
const measuring: WriterOptions = {
  points: Number(options.points),
  interval: Number(options.interval),
  fill: 0,
};

for (const kind of kinds) {
  for (const fill of numbers(options.mib)) {
    for (const runs of numbers(options.runs)) {
      // Several runs at once of a QCoDeS database or a quantify folder come from one writer after the other.
      if (parts.includes("latency")) await latency(kind, runs, { ...measuring, fill });
    }
    if (parts.includes("peer") && kind !== "core_tools") await peer(kind, { ...measuring, fill });
    if (parts.includes("writer")) await slowDown(kind, { ...measuring, fill });
  }
}
if (parts.includes("idle")) await idle();

/** Works with sources of one kind in a temporary folder, each with a dataset of its own. */
async function withLabs(kind: Kind, count: number, work: (labs: Lab[], home: string) => Promise<void>) {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "live_" }));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const labs: Lab[] = [];
  for (let n = 0; n < count; n++) labs.push(stack.use(await Lab.make(kind, join(dir, `source ${n}`))));
  const home = join(dir, "home");
  await Deno.mkdir(home);
  await Deno.writeTextFile(
    join(home, "config.toml"),
    sourcesToml(labs.map((lab, n) => ({ name: `source ${n}`, ...lab.source() }))),
  );
  await work(labs, home);
}

/** Runs that are written at once: of one source where its format has several, else of a source each. */
async function latency(kind: Kind, runs: number, writing: WriterOptions): Promise<void> {
  const isShared = kind === "core_tools" || kind === "swmr" || kind === "csv" || kind === "labber";
  await withLabs(kind, isShared ? 1 : runs, async (labs, home) => {
    const writers = Array.from(
      { length: runs },
      (_, n) => labs[n % labs.length]!.writer(`run ${n}`, writing),
    );
    for (const writer of writers) await writer.ready();
    await using serve = await ServingProcess.start(home);
    const delays: number[] = [];
    const cut = new AbortController();
    const followed = await subscribeAll(
      serve,
      runs,
      cut.signal,
      (value) => delays.push(Date.now() - value * 1000),
    );
    const before = counters(serve.pid);
    for (const writer of writers) await writer.go();
    let written = 0;
    for (const writer of writers) written += (await writer.ended()).written;
    await settled(() => delays.length);
    const used = usedSince(before, serve.pid);
    cut.abort();
    await Promise.allSettled(followed);
    print(`${kind} ${runs} × ${writing.fill} MiB`, delays, runs * writing.points, {
      // A server's files are its own business.
      ...(kind === "core_tools" ? {} : { "bytes read per byte written": (used.bytes / written).toFixed(1) }),
      "bytes read per byte of news": (used.bytes / (delays.length * 16)).toFixed(0),
      "CPU s": used.cpu.toFixed(2),
    });
  });
}

/** Subscribes to as many sessions as there are runs, which wait until somebody listens. */
async function subscribeAll(
  agent: AgentAddress,
  runs: number,
  signal: AbortSignal,
  onStamp: (seconds: number) => void,
): Promise<Promise<void>[]> {
  const followers = new Map<string, Promise<void>>();
  const end = Date.now() + 60_000;
  while (followers.size < runs) {
    if (Date.now() > end) throw new Error(`${followers.size} of ${runs} runs are followed`);
    for (const { id } of await liveSessions(agent)) {
      if (followers.has(id)) continue;
      const seen = new Set<number>();
      const subscriber = new LiveSubscriber(agent, id, (event) => {
        if (event.type !== "patch" || typeof event.data !== "string") return;
        for (const value of new Float64Array(Uint8Array.fromBase64(event.data).buffer)) {
          // Times of this benchmark, and each of them once.
          if (!(value > 1.7e9 && value < 4e9) || seen.has(value)) continue;
          seen.add(value);
          onStamp(value);
        }
      });
      followers.set(id, subscriber.follow(signal));
    }
    await wait(50);
  }
  return [...followers.values()];
}

/** The other approach on one run. */
async function peer(kind: Kind, writing: WriterOptions): Promise<void> {
  await withLabs(kind, 1, async ([lab]) => {
    const writer = lab!.writer("run", writing);
    await writer.ready();
    const follower = lab!.peer();
    const delays: number[] = [];
    let bytes = 0;
    const listening = (async () => {
      for (let said = await follower.next(); said; said = await follower.next()) {
        const { stamps, t, bytes: read } = said as { stamps: number[]; t: number; bytes: number };
        for (const stamp of stamps) delays.push((t - stamp) * 1000);
        bytes = read;
      }
    })();
    await writer.go();
    await writer.ended();
    await settled(() => delays.length);
    await follower.go();
    await listening;
    print(`  copying peer, ${writing.fill} MiB`, delays, writing.points, {
      "bytes read per byte of news": (bytes / (delays.length * 16)).toFixed(0),
    });
  });
}

/** How much longer a writer needs for each point while it is followed: pairs of runs, in turns. */
async function slowDown(kind: Kind, writing: WriterOptions): Promise<void> {
  const extra: number[] = [];
  for (let pair = 0; pair < 3; pair++) {
    await withLabs(kind, 1, async ([lab], home) => {
      const timed = async (writer: Writer) => {
        await writer.go();
        return median((await writer.ended()).busy);
      };
      const alone = lab!.writer("alone", writing);
      await alone.ready();
      const seconds = await timed(alone);
      const followed = lab!.writer("followed", writing);
      await followed.ready();
      await using serve = await ServingProcess.start(home);
      const cut = new AbortController();
      const followers = await subscribeAll(serve, 1, cut.signal, () => {});
      extra.push(await timed(followed) - seconds);
      cut.abort();
      await Promise.allSettled(followers);
    });
  }
  const percent = (100 * median(extra) / writing.interval).toFixed(2);
  console.log(
    `  writer, followed less alone: ${extra.map((s) => (1000 * s).toFixed(2)).join(" ")} ms a point, ` +
      `${percent} % of the measurement's time`,
  );
}

/** Ten sources that are watched while nothing happens. */
async function idle(): Promise<void> {
  await withLabs("csv", 10, async (_labs, home) => {
    await using serve = await ServingProcess.start(home);
    await wait(15_000);
    const before = counters(serve.pid);
    await wait(30_000);
    const used = usedSince(before, serve.pid).cpu;
    console.log(`idle, 10 sources watched: ${(used / 0.3).toFixed(2)} % of a processor`);
  });
}

interface Counter {
  /** Processor time, s. */
  cpu: number;
  /** Bytes read; 0 for processes that follow nothing. */
  bytes: number;
}

/** Of an agent and its children. */
function counters(pid: number): Map<number, Counter> {
  return new Map(
    tree(pid).map((child) => {
      const follows = readText(`/proc/${child}/cmdline`).includes("__live");
      const read = Number(/^rchar: (\d+)/m.exec(readText(`/proc/${child}/io`))?.[1] ?? 0);
      return [child, { cpu: cpuSeconds(child), bytes: follows ? read : 0 }];
    }),
  );
}

/** What processes that are still there have used meanwhile. */
function usedSince(before: Map<number, Counter>, pid: number): Counter {
  const used = { cpu: 0, bytes: 0 };
  for (const [child, { cpu, bytes }] of counters(pid)) {
    used.cpu += cpu - (before.get(child)?.cpu ?? 0);
    used.bytes += bytes - (before.get(child)?.bytes ?? 0);
  }
  return used;
}

/** Until nothing comes any more. */
async function settled(count: () => number): Promise<void> {
  for (let last = -1; last !== count();) {
    last = count();
    await wait(1500);
  }
}

function print(what: string, delays: number[], expected: number, more: Record<string, string>): void {
  const sorted = [...delays].sort((a, b) => a - b);
  const at = (q: number) =>
    `${(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN).toFixed(0)}`;
  const rest = Object.entries(more).map(([name, value]) => `${name} ${value}`).join("  ");
  console.log(
    `${what.padEnd(28)} p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}  max ${at(1)} ms  ` +
      `${delays.length} of ${expected} values  ${rest}`,
  );
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
