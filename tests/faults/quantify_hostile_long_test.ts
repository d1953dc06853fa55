/** 200 damaged copies of data files are read in child processes; each ends with a reason. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { assert, assertEquals } from "../assert.ts";
import { flipBits } from "../convert.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { readNetcdf3 } from "../../backends/quantify/netcdf3_source.ts";
import { FIXTURES, tempFolder, TUID } from "../../backends/quantify/testing.ts";

const COPIES = 200;
/** A file on which a child says nothing for this long counts as hanging; the child is killed and replaced. */
const PATIENCE_MS = 10_000;
const ORIGINALS = [
  "quantify-data/20241106/20241106-235836-481-5497a2-3d/dataset.hdf5",
  "quantify-data/20241107/20241107-191248-549-6c022e-v2 set/dataset.hdf5",
  "quantify-data/20241107/20241107-093542-515-1cf180-complex s21/dataset.hdf5",
  "old_layouts/quantify-data/20200818/20200818-112233-004-4d5e6f-(0) map IF=20.000 MHz/dataset.hdf5",
];
const OLD = ORIGINALS[3] ?? "";

Deno.test("damaged files are converted or uploaded as they are; a hang costs its process", async () => {
  await using temp = await tempFolder();
  const root = join(temp.path, "data");
  const names = Array.from({ length: COPIES }, (_, i) => `${TUID}-${i}`);
  for (const [i, name] of names.entries()) {
    const folder = join(root, "20241105", name);
    await Deno.mkdir(folder, { recursive: true });
    const original = await Deno.readFile(join(FIXTURES, ORIGINALS[i % ORIGINALS.length] ?? ""));
    await Deno.writeFile(join(folder, "dataset.hdf5"), flipBits(original, i));
  }
  const outcomes = new Map<string, string>();
  for (let left = names; left.length > 0; left = names.filter((name) => !outcomes.has(name))) {
    await readInChild(root, left, outcomes);
  }
  const counts: Record<string, number> = {};
  for (const outcome of outcomes.values()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  console.log(counts);
  const { converted = 0, unreadable_hdf5 = 0, "as it is": asItIs = 0, hang = 0, died = 0, ...others } =
    counts;
  assertEquals(others, {}, "each ends with a reason");
  assert(converted > 20 && unreadable_hdf5 > 20, "the damage changes nothing");
  assert(hang + died <= COPIES / 50, "hangs and deaths are few, and dealt with by the pool of readers");
  assertEquals(converted + unreadable_hdf5 + asItIs + hang + died, COPIES);
});

const Line = z.object({ name: z.string(), outcome: z.string().optional() });

/** Adds the outcomes of as many containers as one child gets through. */
async function readInChild(root: string, names: string[], outcomes: Map<string, string>): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      fileURLToPath(new URL("quantify_hostile_child.ts", import.meta.url)),
      root,
      ...names,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let running: string | undefined;
  let end = "died";
  const kill = () => {
    end = "hang";
    child.kill("SIGKILL");
  };
  let timer = setTimeout(kill, PATIENCE_MS);
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of lines) {
    const complete = (rest + text).split("\n");
    rest = complete.pop() ?? "";
    clearTimeout(timer);
    timer = setTimeout(kill, PATIENCE_MS);
    for (const line of complete) {
      const { name, outcome } = Line.parse(JSON.parse(line));
      running = outcome === undefined ? name : undefined;
      if (outcome !== undefined) outcomes.set(name, outcome);
    }
  }
  clearTimeout(timer);
  await child.status;
  if (running !== undefined) outcomes.set(running, end);
  else assert(outcomes.size > 0, "the child says nothing");
}

/** What reading these bytes as netCDF-3 ends with. */
function outcomeOf(path: string, bytes: Uint8Array): string {
  Deno.writeFileSync(path, bytes);
  try {
    readNetcdf3(path);
    return "read";
  } catch (e) {
    return e instanceof SyncError ? e.code : `bug: ${e instanceof Error ? e.stack : e}`;
  }
}

Deno.test("netCDF-3 with every byte of the header made large, or cut off anywhere, is refused or read at once", async () => {
  await using temp = await tempFolder();
  const path = join(temp.path, "dataset.hdf5");
  const original = await Deno.readFile(join(FIXTURES, OLD));
  const outcomes: Record<string, number> = {};
  const note = (outcome: string) => outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  for (let at = 0; at < 900; at++) {
    const damaged = original.slice();
    damaged.fill(0xff, at, at + 1 + at % 4);
    if (at >= 4) note(outcomeOf(path, damaged));
    damaged.set(original);
    damaged[at] = 0x7f;
    if (at >= 4) note(outcomeOf(path, damaged));
  }
  for (let length = 4; length < original.length; length += 7) {
    assertEquals(outcomeOf(path, original.subarray(0, length)), "netcdf3_unreadable", `cut off at ${length}`);
  }
  assertEquals(Object.keys(outcomes).sort(), ["netcdf3_unreadable", "read"], JSON.stringify(outcomes));
});

Deno.test("netCDF-3 headers that claim huge lists and arrays allocate nothing of the sort", async () => {
  await using temp = await tempFolder();
  const path = join(temp.path, "dataset.hdf5");
  const words = (...values: number[]) => {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, i) => view.setUint32(4 * i, value));
    return new Uint8Array(view.buffer);
  };
  const [CDF2, x] = [0x43444602, 0x78000000];
  const [DIMENSIONS, VARIABLES, ATTRIBUTES, DOUBLE, HUGE] = [10, 11, 12, 6, 0x7fffffff];
  const none = [0, 0];
  for (
    const header of [
      [CDF2, 0, DIMENSIONS, HUGE],
      [CDF2, 0, DIMENSIONS, 1, HUGE, x],
      [CDF2, 0, ...none, ATTRIBUTES, 0x1ffffff],
      [CDF2, 0, ...none, ATTRIBUTES, 1, 1, x, DOUBLE, 0x1ffffff],
      [CDF2, 0, ...none, ...none, VARIABLES, 1, 1, x, HUGE],
      // One variable of 2^31 values, twice itself, and one of 2^31 records.
      [CDF2, 0, DIMENSIONS, 1, 1, x, HUGE, ...none, VARIABLES, 1, 1, x, 1, 0, ...none, DOUBLE, 8, 0, 64],
      [CDF2, 0, DIMENSIONS, 1, 1, x, HUGE, ...none, VARIABLES, 1, 1, x, 2, 0, 0, ...none, DOUBLE, 8, 0, 64],
      [CDF2, HUGE, DIMENSIONS, 1, 1, x, 0, ...none, VARIABLES, 1, 1, x, 1, 0, ...none, DOUBLE, 0, 0, 64],
    ]
  ) {
    assertEquals(outcomeOf(path, words(...header)), "netcdf3_unreadable", header.join(" "));
  }
  assert(Deno.memoryUsage().rss < 1.2e9, "memory was taken for what is not there");
});
