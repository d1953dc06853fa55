import { assert, assertEquals, assertNotEquals, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { RECYCLE } from "./limits.ts";
import { createReaderPool } from "./pool.ts";
import { readerPid, readMisbehaving } from "./test_modules/tasks.ts";
import { type ReaderPool, readersOf } from "./tasks.ts";

const load = [new URL("./test_modules/misbehaving.ts", import.meta.url).href];

async function withPool(
  max: number,
  body: (pool: ReaderPool, log: string[]) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  const pool = createReaderPool({ max, load, log: (line) => log.push(line) });
  try {
    await body(pool, log);
  } finally {
    await pool.close();
  }
}

const codeOf = async (promise: Promise<unknown>) => ((await assertRejects(() => promise)) as SyncError).code;
const started = (log: string[]) => log.filter((l) => l.endsWith("started")).length;

Deno.test("a process is started when it is needed and used again", () =>
  withPool(2, async (pool, log) => {
    assertEquals(log, []);
    const pids = new Set<number>();
    for (let i = 0; i < 5; i++) pids.add(await readerPid(pool));
    assertEquals(pids.size, 1);
    assertEquals(started(log), 1);
  }));

Deno.test("tasks that wait are served in their order, each process does one at a time", () =>
  withPool(1, async (pool, log) => {
    const order: number[] = [];
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      // Failing and crashing ones keep their turn too.
      const act = ["well", "throw an Error", "exit"][i % 3] ?? "";
      await readMisbehaving(pool, act).catch(() => {});
      order.push(i);
    }));
    assertEquals(order, Array.from({ length: 20 }, (_, i) => i));
    assert(started(log) > 1);
  }));

Deno.test("no more processes than allowed, and all of them work", () =>
  withPool(2, async (pool, log) => {
    await Promise.all(Array.from({ length: 8 }, () => readMisbehaving(pool, "wait")));
    assertEquals(started(log), Math.min(2, navigator.hardwareConcurrency));
  }));

Deno.test("slow tasks of one owner do not keep another one waiting", () =>
  withPool(1, async (pool, log) => {
    const slow = new AbortController();
    const options = { owner: 1, signal: slow.signal };
    const stuck = [readMisbehaving(pool, "spin", options), readMisbehaving(pool, "spin", options)].map(
      codeOf,
    );
    assertEquals(await readerPid(readersOf(pool, 2)) > 0, true);
    assertEquals(started(log), 2, "the second task of the first owner has to wait");
    slow.abort(new Error("enough"));
    assertEquals(await Promise.all(stuck), ["aborted", "aborted"]);
  }));

Deno.test("a process is replaced after enough tasks, without a failure, a descriptor or a zombie left", () =>
  withPool(1, async (pool, log) => {
    await readMisbehaving(pool, "well");
    const before = Deno.build.os === "linux" ? openDescriptors() : 0;
    for (let i = 0; i < RECYCLE.tasks + 20; i++) await readMisbehaving(pool, "well");
    assertEquals(started(log), 2);
    // Crashes are where a forgotten pipe or an unreaped child would stay.
    for (let i = 0; i < 5; i++) assertEquals(await codeOf(readMisbehaving(pool, "exit")), "reader_crash");
    await readMisbehaving(pool, "well");
    if (Deno.build.os !== "linux") return;
    assertEquals(openDescriptors(), before);
    assertEquals(zombies(), []);
  }));

Deno.test("a process is replaced after enough errors, because each may leave something open", () =>
  withPool(1, async (pool) => {
    const first = await readerPid(pool);
    for (let i = 1; i < RECYCLE.errors; i++) await codeOf(readMisbehaving(pool, "throw an Error"));
    assertEquals(await readerPid(pool), first);
    await codeOf(readMisbehaving(pool, "throw an Error"));
    assertNotEquals(await readerPid(pool), first);
  }));

Deno.test("a process in which HDF5 failed is not used again: it would keep the file open", async () => {
  const pool = createReaderPool({
    max: 1,
    load: [...load, new URL("./test_modules/reads_hdf5.ts", import.meta.url).href],
  });
  const dir = await Deno.makeTempDir();
  const fixture = (name: string) => new URL(`../../tests/fixtures/hdf5/${name}`, import.meta.url).pathname;
  const context = { staging: dir, version: "", converters: [], timeZone: "UTC", newest: false, now: 0 };
  const read = (path: string) =>
    pool.run("read", { backend: "reads_hdf5", config: {}, item: { identifier: "x", path }, context });
  try {
    // The signature and the superblock are right, the rest is noise.
    const broken = await Deno.readFile(fixture("scales.h5"));
    await Deno.writeFile(`${dir}/broken.h5`, broken.fill(0x55, 96));
    const first = await readerPid(pool);
    await read(fixture("scales.h5"));
    assertEquals(await readerPid(pool), first);
    assertEquals(await codeOf(read(`${dir}/broken.h5`)), "hdf5_unreadable");
    assertNotEquals(await readerPid(pool), first);
    await Deno.copyFile(fixture("scales.h5"), `${dir}/broken.h5`);
    assert("draft" in await read(`${dir}/broken.h5`), "the repaired file is read");
  } finally {
    await pool.close();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("an HDF5 file that makes the library loop for ever costs its own task only", async () => {
  const pool = createReaderPool({ max: 2 });
  const dir = await Deno.makeTempDir();
  const good = new URL("../../tests/fixtures/hdf5/xarray_netcdf4.nc", import.meta.url).pathname;
  const inspect = (path: string, deadlineMs?: number) =>
    pool.run("inspect", { path, filename: "x.h5" }, deadlineMs === undefined ? {} : { deadlineMs });
  try {
    const loop = await Deno.readFile(new URL("../../tests/fixtures/hdf5/scales.h5", import.meta.url));
    // An address in it is made that of the root group; h5py hangs on this file too.
    new DataView(loop.buffer).setBigUint64(6512, 96n, true);
    await Deno.writeFile(`${dir}/loop.h5`, loop);
    const looping = codeOf(inspect(`${dir}/loop.h5`, 2000));
    for (let i = 0; i < 3; i++) assertEquals((await inspect(good)).type, "HDF5_NETCDF");
    assertEquals(await looping, "reader_hang");
    assertEquals((await inspect(good)).type, "HDF5_NETCDF");
  } finally {
    await pool.close();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a process whose WebAssembly was aborted is not used again", () =>
  withPool(1, async (pool) => {
    const first = await readerPid(pool);
    await codeOf(readMisbehaving(pool, "abort WASM"));
    assertNotEquals(await readerPid(pool), first);
  }));

Deno.test("aborting stops a running task at once, and takes a waiting one out of the queue", () =>
  withPool(1, async (pool) => {
    const [running, waiting] = [new AbortController(), new AbortController()];
    const spinning = codeOf(readMisbehaving(pool, "spin", { signal: running.signal }));
    const queued = codeOf(readMisbehaving(pool, "exit", { signal: waiting.signal }));
    const behind = readMisbehaving(pool, "well");
    waiting.abort();
    assertEquals(await queued, "aborted");
    running.abort();
    assertEquals(await spinning, "aborted");
    assertEquals((await behind).name, "well");
    assertEquals(await codeOf(readMisbehaving(pool, "well", { signal: running.signal })), "aborted");
  }));

Deno.test("closing ends every process and every task", async () => {
  const pool = createReaderPool({ max: 2, load });
  const pid = await readerPid(pool);
  const tasks = ["spin", "spin", "well"].map((act) => codeOf(readMisbehaving(pool, act)));
  await pool.close();
  assertEquals(await Promise.all(tasks), ["aborted", "aborted", "aborted"]);
  assertEquals(await codeOf(readMisbehaving(pool, "well")), "aborted");
  if (Deno.build.os === "linux") await assertRejects(() => Deno.stat(`/proc/${pid}`));
  await pool.close();
});

Deno.test("a launcher that can't start is the computer's fault, not the item's", async () => {
  const dir = await Deno.makeTempDir();
  Deno.env.set("ETIKET_SELF", `${dir}/missing`);
  const pool = createReaderPool({ load });
  try {
    for (let i = 0; i < 3; i++) {
      const error = (await assertRejects(() => readMisbehaving(pool, "well"))) as SyncError;
      assertEquals([error.class, error.code], ["local", "reader_start_failed"]);
    }
  } finally {
    Deno.env.delete("ETIKET_SELF");
    await pool.close();
    await Deno.remove(dir, { recursive: true });
  }
});

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Children of this process that ended and were not awaited. */
function zombies(): string[] {
  return [...Deno.readDirSync("/proc")].map((e) => e.name).filter((name) => /^\d+$/.test(name)).filter(
    (pid) => {
      try {
        const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return state === "Z" && Number(parent) === Deno.pid;
      } catch {
        return false;
      }
    },
  );
}
