/**
 * Resonance benchmark: one run of 10,000 events with 1,000 images of 512 × 512 uint16 through RunWriter, against the same
 * with Python's sqlite3 and zarr: same codec, same chunks, once with the same durability (images on the disk before their
 * rows, events committed with the run) and once without.
 *
 * usage: deno run -A tests/bench/resonance_writer.ts [EVENTS = 10000] [IMAGES = 1000] [ROWS = 512]; Python with zarr:
 * ETIKET_BENCH_PYTHON
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { RunWriter } from "../../backends/resonance/writer/run_writer.ts";
import { run } from "./measure.ts";

const Peer = z.object({ seconds: z.number(), event_seconds: z.number(), peak_mib: z.number() });
type Result = z.infer<typeof Peer>;

const [events = 10_000, images = 1000, rows = 512] = Deno.args.filter((a) => /^\d+$/.test(a)).map(Number);
const self = fileURLToPath(import.meta.url);

if (Deno.args[0] === "write") {
  const [folder = "", ...numbers] = Deno.args.slice(1);
  console.log(JSON.stringify(write(folder, ...numbers.map(Number) as [number, number, number])));
} else {
  const python = Deno.env.get("ETIKET_BENCH_PYTHON") ?? "python3";
  const args = [events, images, rows].map(String);
  const temp = await Deno.makeTempDir({ prefix: "bench_resonance_" });
  try {
    const ours: Result[] = [], careful: Result[] = [], plain: Result[] = [];
    const script = fileURLToPath(new URL("resonance_writer.py", import.meta.url));
    // In turns, so that other load on the machine meets both.
    for (let round = 0; round < 3; round++) {
      ours.push(await once(Deno.execPath(), ["run", "-A", "--no-check", self, "write"], args, temp));
      careful.push(await once(python, [script], [...args, String(rows), "careful"], temp));
      plain.push(await once(python, [script], [...args, String(rows), "plain"], temp));
    }
    print("RunWriter", fastest(ours));
    print("Python, images on the disk before their rows", fastest(careful), fastest(ours));
    print("Python, images left to the system", fastest(plain), fastest(ours));
  } finally {
    await Deno.remove(temp, { recursive: true });
  }
}

async function once(command: string, start: string[], args: string[], temp: string): Promise<Result> {
  const folder = await Deno.makeTempDir({ dir: temp });
  const { stdout } = await run(command, [...start, folder, ...args]);
  await Deno.remove(folder, { recursive: true });
  return Peer.parse(JSON.parse(stdout));
}

function fastest(results: Result[]): Result {
  return results.toSorted((a, b) => a.seconds - b.seconds)[0]!;
}

function print(what: string, { seconds, event_seconds, peak_mib }: Result, ours?: Result): void {
  const perImage = 1000 * (seconds - event_seconds) / Math.max(1, images);
  console.log(
    `${what.padEnd(45)} ${seconds.toFixed(2)} s  ${
      (1e6 * event_seconds / events).toFixed(0)
    } µs per event  ` +
      `${perImage.toFixed(2)} ms per image  peak ${peak_mib.toFixed(0)} MiB` +
      (ours ? `  ratio ${(ours.seconds / seconds).toFixed(2)} (our time / theirs, the best of 3 each)` : ""),
  );
}

/** The run, in a process of its own. */
function write(folder: string, events: number, images: number, rows: number): Result {
  const frames = Array.from({ length: 8 }, (_, n) =>
    Uint16Array.from(
      { length: rows * rows },
      (_, i) => 1000 + ((Math.imul(i, 2654435761) + n * 40503) >>> 26),
    ));
  const every = images > 0 ? Math.floor(events / images) : events + 1;
  const start = performance.now();
  let eventMs = 0;
  RunWriter.with(join(folder, "bench.db"), { name: "sample" }, (writer) => {
    writer.openRun("scan");
    writer.openStream("primary", {});
    for (let n = 0; n < events; n++) {
      const before = performance.now();
      const now = Date.now() / 1000;
      const uid = writer.writeEvent(
        { energy: 280 + n / 100, diode: n * 1e-9, shutter: n % 2 === 0 },
        { energy: now, diode: now },
      );
      eventMs += performance.now() - before;
      if (n % every !== 0) continue;
      writer.writeImage(uid, "ccd", { data: frames[n / every % 8]!, shape: [rows, rows] });
    }
  });
  const seconds = (performance.now() - start) / 1000;
  return { seconds, event_seconds: eventMs / 1000, peak_mib: Deno.memoryUsage().rss / 2 ** 20 };
}
