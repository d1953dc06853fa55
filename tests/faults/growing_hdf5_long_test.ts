/**
 * The reader of growing HDF5 files against h5py: closed files of every layout, version and type read as the library
 * reads them; files that grow meanwhile are read right or refused as torn, and never wrong. Needs a Python with h5py:
 * `ETIKET_BENCH_PYTHON=…/python`.
 */
import { join } from "node:path";
import folderbase from "../../backends/folderbase/mod.ts";
import { truthOfFile } from "../../backends/folderbase/live/testing.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { openHdf5Live } from "../../src/kit/hdf5_live/open.ts";
import { assertReadsAsLibrary } from "../../src/kit/hdf5_live/testing.ts";
import type { LiveHdf5File } from "../../src/kit/hdf5_live/types.ts";
import { assert, assertEquals } from "../assert.ts";
import { PYTHON } from "../bench/live/lab.ts";
import { LiveReplay } from "../live_replay.ts";

const SCRIPT = new URL("../python/growing_hdf5.py", import.meta.url).pathname;
const LIVE_WRITER = new URL("../python/live_swmr.py", import.meta.url).pathname;
const ROWS = 600, COLUMNS = 20;

const missing = await new Deno.Command(PYTHON, { args: ["-c", "import h5py"], stderr: "null" }).output()
  .then(({ success }) => success ? undefined : `${PYTHON} has no h5py`, String);

function check(name: string, body: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    if (missing) return console.log(`not run: ${missing}`);
    const folder = await Deno.makeTempDir({ prefix: "growing_" });
    try {
      await body(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

check("every layout, version and type reads as the library reads it", async (folder) => {
  const { success } = await new Deno.Command(PYTHON, { args: [SCRIPT, "layouts", folder] }).output();
  assert(success);
  let datasets = 0, files = 0;
  for await (const { name } of Deno.readDir(folder)) {
    datasets += await assertReadsAsLibrary(join(folder, name));
    files++;
  }
  assertEquals([files, datasets], [42, 447]);
});

for (const mode of ["inplace", "swmr"]) {
  for (const libver of mode === "swmr" ? ["v110", "latest"] : ["earliest", "latest"]) {
    for (const gzip of ["plain", "gzip"]) {
      check(`${mode}, ${libver}, ${gzip}: what is read while it grows is right or torn`, async (folder) => {
        const path = join(folder, "growing.h5");
        const args = [SCRIPT, "grow", path, mode, libver, gzip, `${ROWS}`];
        const writer = new Deno.Command(PYTHON, { args, stdout: "null" }).spawn();
        let closed = false;
        writer.status.then(() => closed = true);
        const growth = new Growth(path);
        while (!closed) {
          growth.look();
          await new Promise((resolve) => setTimeout(resolve));
        }
        assertEquals((await writer.status).success, true);
        while (growth.rows < ROWS) growth.look();
        growth.close();
        // A reader that only ever says "torn" proves nothing.
        assert(growth.seen > 50, `${growth.seen} extents were seen, ${growth.torn} looks were torn`);
        if (mode === "swmr") assertEquals(growth.torn, 0);
        assert(growth.torn < growth.looks / 2, `${growth.torn} of ${growth.looks} looks were torn`);
      });
    }
  }
}

for (const crash of [false, true]) {
  check(
    `a SWMR writer that ${crash ? "dies" : "ends"} is followed: each value once, in order`,
    async (folder) => {
      const path = join(folder, "run.h5"), rows = 80;
      const args = [LIVE_WRITER, path, "--rows", `${rows}`, "--interval", "0.02"];
      if (crash) args.push("--stop-after", "50");
      const writer = new Deno.Command(PYTHON, { args, stdout: "null" }).spawn();
      const config = { root_directory: folder, is_server_folder: false, level: -1, live: true };
      const context = { temp: folder, timeZone: "UTC", now: () => Date.now() };
      assert(folderbase.live);
      for (;;) {
        const answer = await folderbase.live(config, { identifier: "x", path: folder }, context);
        if ("not_live" in answer) continue;
        const written = crash ? 50 : rows;
        const replay = new LiveReplay();
        await replay.drain(answer.session, {
          until: () => crash && replay.writtenCount("z") === 20 * written,
          maxLooks: Infinity,
        });
        await writer.status;
        await answer.session.close();
        assertEquals(replay.end?.reason, crash ? undefined : "completed");
        replay.assertWrittenOnce();
        replay.assertWhole();
        assertEquals(replay.shape("z"), [written, 20]);
        assertEquals(replay.array("x"), Array.from({ length: written }, (_, i) => i * 0.1));
        if (!crash) assertEquals(replay.differences(await truthOfFile(path)), []);
        return;
      }
    },
  );
}

/** Reads the newest rows again and again, now and then all, and compares each value. */
class Growth {
  rows = 0;
  /** Different extents. */
  seen = 0;
  looks = 0;
  torn = 0;
  #file: LiveHdf5File | undefined;

  constructor(readonly path: string) {}

  look(): void {
    try {
      this.#file ??= openHdf5Live(this.path);
      if (!this.#file.has("n")) return;
      const file = this.#file;
      if (!file.changed()) return;
      this.looks++;
      const rows = file.consistent(() => this.#read(file));
      if (rows > this.rows) this.seen++;
      assert(rows >= this.rows, `${rows} rows after ${this.rows}`);
      this.rows = rows;
    } catch (e) {
      // Before the file exists, and while its first bytes are written.
      if (e instanceof SyncError && e.code === "file_unreadable" && this.looks === 0) return;
      if (!(e instanceof SyncError && e.code === "hdf5_torn")) throw e;
      if (this.looks > 0) this.torn++;
    }
  }

  close(): void {
    this.#file?.[Symbol.dispose]();
  }

  #read(file: LiveHdf5File): number {
    const [x, z, n] = ["x", "z", "n"].map((name) => file.dataset(name));
    assert(x && z && n);
    const from = this.looks % 20 === 0 ? 0 : Math.max(0, this.rows - 2);
    const rows = Math.min(...[x, z, n].map((dataset) => dataset.shape[0] ?? 0));
    const count = Math.max(0, rows - from);
    const each = (width: number, value: (row: number, column: number) => number | bigint) =>
      Array.from({ length: count * width }, (_, i) => value(from + Math.floor(i / width), i % width));
    const read = (dataset: typeof x, inner: number[]) => {
      const values = dataset.read([from, ...inner.map(() => 0)], [count, ...inner], { missing: "torn" });
      assert(ArrayBuffer.isView(values));
      return Array.from<unknown>(values);
    };
    assertEquals(read(x, []), each(1, (row) => row / 8));
    assertEquals(read(z, [COLUMNS]), each(COLUMNS, (row, column) => row * 1000 + column));
    assertEquals(read(n, []), each(1, (row) => 2n ** 60n + BigInt(row)));
    return rows;
  }
}
