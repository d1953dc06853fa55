/** The disk of the live file is full: the file goes, so that it takes no room from what matters, and can come again. */
import { LiveFile } from "../../src/kit/hdf5/live_file.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { LiveOpen } from "../../src/kit/live.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { SmallDisk, whyNoSmallDisk } from "./small_disk.ts";

const OPEN: LiveOpen = {
  type: "open",
  name: "run",
  attrs: {},
  variables: [{
    name: "v",
    dtype: "f8",
    dims: ["n"],
    shape: [0],
    role: "measured",
    units: null,
    long_name: null,
    depends_on: [],
  }],
};

Deno.test("A full disk is a local failure; nothing is left behind, and the next run has its file again", async () => {
  const reason = await whyNoSmallDisk();
  if (reason) return console.log(`not run: ${reason}`);
  const folder = await Deno.makeTempDir();
  try {
    await using disk = await SmallDisk.mount(folder, 2 * 1024 * 1024);
    using live = new LiveFile(`${disk.path}/live`);
    const values = new Float64Array(10_000).fill(1);
    const write = (at: number) =>
      live.apply([{ type: "patch", var: "v", offset: [at], shape: [values.length], values }]);
    live.apply([OPEN]);
    const error = assertThrows(() => {
      for (let k = 0; k < 100; k++) write(k * values.length);
    });
    assert(error instanceof SyncError && error.class === "local" && error.code === "live_file_failed");
    assertEquals([...Deno.readDirSync(`${disk.path}/live`)], []);
    write(0);
    assertEquals([...Deno.readDirSync(`${disk.path}/live`)], []);

    await disk.fill();
    assert(assertThrows(() => live.apply([OPEN])) instanceof SyncError);
    await disk.release();
    live.apply([OPEN]);
    write(0);
    live.finish();
    assertEquals((await netcdfContent(live.path)).variables.v?.values.length, values.length);
  } finally {
    await Deno.remove(folder);
  }
});
