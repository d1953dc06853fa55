import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { SMALL_FILE, transferSlots } from "./slots.ts";

const LARGE = SMALL_FILE;

/** Slots on a clock that the test sets, and transfers that end when the test says so. */
function bench() {
  let now = 0;
  const slots = transferSlots({ monotonic: () => now });
  const running: { name: string; end: (error?: Error) => void }[] = [];
  const ask = (source: number, size: number, name = "", signal?: AbortSignal) =>
    slots.run(source, size, () =>
      new Promise<void>((resolve, reject) => {
        const transfer = {
          name,
          end(error?: Error) {
            running.splice(running.indexOf(transfer), 1);
            if (error) reject(error);
            else resolve();
          },
        };
        running.push(transfer);
      }), signal);
  const settled = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  return {
    slots,
    ask,
    running,
    settled,
    pass: (ms: number) => void (now += ms),
    names: () => running.map((r) => r.name),
    /** Lets transfers of one size run one round after the other; how long each takes depends on how many there are. */
    async rounds(count: number, size: number, msEach: (atOnce: number) => number): Promise<number[]> {
      const counts: number[] = [];
      for (let i = 0; i < 64; i++) ask(1, size).catch(() => {});
      for (let round = 0; round < count; round++) {
        await settled();
        counts.push(running.length);
        now += msEach(running.length);
        for (const transfer of [...running]) {
          transfer.end();
          ask(1, size).catch(() => {});
        }
      }
      await settled();
      return counts;
    },
  };
}

Deno.test("four large files at once; another source need not wait for them", async () => {
  const { ask, running, names, settled } = bench();
  for (let i = 0; i < 6; i++) ask(1, LARGE, `a${i}`);
  await settled();
  assertEquals(names(), ["a0", "a1", "a2", "a3"]);
  ask(2, LARGE, "b0");
  ask(2, LARGE, "b1");
  await settled();
  assertEquals(names(), ["a0", "a1", "a2", "a3", "b0"]);
  running[0]!.end();
  await settled();
  assertEquals(names().length, 4, "what ran beyond the limit is made up for");
  running[0]!.end();
  await settled();
  assertEquals(names(), ["a2", "a3", "b0", "a4"], "sources take turns");
});

Deno.test("small files have places beside the large ones", async () => {
  const { ask, names, settled } = bench();
  for (let i = 0; i < 5; i++) ask(1, LARGE, "large");
  ask(1, LARGE - 1, "small");
  await settled();
  assertEquals(names(), ["large", "large", "large", "large", "small"]);
});

Deno.test("a source with many files does not keep a file of another waiting", async () => {
  const { ask, running, names, settled } = bench();
  for (let i = 0; i < 1000; i++) ask(1, 1, "many");
  ask(2, 1, "few");
  ask(3, 1, "few");
  await settled();
  assertEquals(names().filter((n) => n === "few").length, 2);
  for (let i = 0; i < 4; i++) ask(2, 1, "later");
  let many = 0;
  while (names().includes("few") || names().includes("later")) {
    if (running[0]!.name === "many") many++;
    running[0]!.end();
    await settled();
  }
  assert(many < 20, `${many} files of the other source went first`);
});

Deno.test("small files: as many as stay quick, up to 32", async () => {
  assertEquals((await bench().rounds(60, 1, () => 100)).at(-1), 32);
  // A store that only does one thing at a time: more at once make each of them slower.
  const jammed = (await bench().rounds(60, 1, (atOnce) => 300 * atOnce)).slice(10);
  assert(Math.min(...jammed) >= 3 && Math.max(...jammed) <= 12, `${jammed} at once`);
  // As long as nobody notices, that is no reason to do less.
  assertEquals((await bench().rounds(60, 1, (atOnce) => 10 * atOnce)).at(-1), 32);
  // Large files take as long as they are large.
  let round = 0;
  const large = await bench().rounds(60, LARGE, () => ++round % 7 ? 1000 : 3_600_000);
  assertEquals([Math.min(...large), Math.max(...large)], [4, 4]);
});

Deno.test("failures of the network or the platform reduce the number, those of a file do not", async () => {
  const { ask, running, rounds, settled } = bench();
  const before = await rounds(60, 1, () => 100);
  assertEquals(before.at(-1), 32);
  // All of the 32 that were under way when the connection broke count once.
  const fail = async (error: Error) => {
    for (const transfer of [...running]) transfer.end(error);
    await settled();
    return running.length;
  };
  for (let i = 0; i < 200; i++) ask(1, 1).catch(() => {});
  assertEquals(await fail(new SyncError("data", "file_unreadable", "x")), 32);
  for (let i = 0; i < 200; i++) ask(1, 1).catch(() => {});
  assertEquals(await fail(new SyncError("network", "unreachable", "x")), 16);
});

Deno.test("who stops waiting leaves the line", async () => {
  const { ask, names, running, settled } = bench();
  for (let i = 0; i < 4; i++) ask(1, LARGE, "first");
  const stop = new AbortController();
  const waiting = ask(1, LARGE, "stopped", stop.signal);
  ask(1, LARGE, "next");
  stop.abort(new Error("enough"));
  assertEquals((await assertRejects(() => waiting)).message, "enough");
  running[0]!.end();
  await settled();
  assertEquals(names(), ["first", "first", "first", "next"]);
  await assertRejects(() => ask(1, 1, "late", stop.signal));
});
