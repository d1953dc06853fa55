/** 300 copies of the fixtures with flipped bits are read in child processes; each ends with a reason. */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { HDF5_FIXTURES, inTempDir, randomNumbers } from "./testing.ts";

const COPIES = 300;
const SEED = 20260101;
/** A file on which a child says nothing for this long counts as hanging; the child is killed and replaced. */
const PATIENCE_MS = 10_000;

const Line = z.discriminatedUnion("event", [
  z.object({ path: z.string(), event: z.literal("begin") }),
  z.object({ path: z.string(), event: z.literal("end"), result: z.string() }),
]);

Deno.test("damaged files end with a reason", async () => {
  await inTempDir(async (folder) => {
    let left = makeDamagedCopies(folder);
    const results = new Map<string, string>();
    while (left.length > 0) {
      await readInChild(left, results);
      left = left.filter((path) => !results.has(path));
    }
    const counts: Record<string, number> = {};
    for (const result of results.values()) counts[result] = (counts[result] ?? 0) + 1;
    console.log(counts);
    assertEquals(results.size, COPIES);
    assertEquals([...results.values()].filter((result) => result.startsWith("bug")), []);
    assert((counts.read ?? 0) > 0 && (counts.hdf5_unreadable ?? 0) > 0, "the mutations change nothing");
    // Hangs and deaths are few, and dealt with by the pool of reader processes.
    assert((counts.hang ?? 0) + (counts.died ?? 0) <= COPIES / 50, JSON.stringify(counts));
  });
});

function makeDamagedCopies(folder: string): string[] {
  const random = randomNumbers(SEED);
  const names = [...Deno.readDirSync(HDF5_FIXTURES)].map((entry) => entry.name)
    .filter((name) => /\.(h5|nc)$/.test(name) && Deno.statSync(HDF5_FIXTURES + name).size > 0).toSorted();
  return Array.from({ length: COPIES }, (_, i) => {
    const name = names[i % names.length] ?? "";
    const bytes = Deno.readFileSync(HDF5_FIXTURES + name);
    const flips = 1 + Math.floor(random() * 8);
    for (let flip = 0; flip < flips; flip++) {
      const position = Math.floor(random() * bytes.length);
      bytes[position] = Math.floor(random() * 256);
    }
    const path = `${folder}/${i}_${name}`;
    Deno.writeFileSync(path, bytes);
    return path;
  });
}

/** Adds the results of as many files as one child gets through. */
async function readInChild(paths: string[], results: Map<string, string>): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...[
        "run",
        "-A",
        "--no-check",
        "--config",
        fileURLToPath(new URL("../../../deno.json", import.meta.url)),
      ],
      ...[fileURLToPath(new URL("robustness_child.ts", import.meta.url)), ...paths],
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let current: string | undefined;
  let killed = false;
  const kill = () => {
    killed = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(kill, PATIENCE_MS);
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      clearTimeout(timer);
      timer = setTimeout(kill, PATIENCE_MS);
      const event = Line.parse(JSON.parse(line));
      current = event.event === "begin" ? event.path : undefined;
      if (event.event === "end") results.set(event.path, event.result);
    }
  }
  clearTimeout(timer);
  await child.status;
  if (current) results.set(current, killed ? "hang" : "died");
}
