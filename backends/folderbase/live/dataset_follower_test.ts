/** What attributes, fill values and extents say of the cells that are written. */
import * as h5 from "h5wasm/node";
import { openHdf5Live } from "../../../src/kit/hdf5_live/open.ts";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { DatasetFollower } from "./dataset_follower.ts";

interface Stored {
  shape: number[];
  maxshape?: (number | null)[];
  values: number[];
  attrs?: Record<string, number[]>;
}

/** Cells that one look gives of a dataset in this state, by their flat position in the extent; and the extent. */
async function looked({ shape, maxshape, values, attrs = {} }: Stored, final = false) {
  await h5.ready;
  const path = Deno.makeTempFileSync({ suffix: ".h5" });
  try {
    const file = new h5.File(path, "w");
    const chunks = maxshape ? { maxshape, chunks: shape.map((n) => Math.max(1, n)) } : {};
    const dataset = file.create_dataset({ name: "v", data: new Float64Array(values), shape, ...chunks });
    for (const [name, value] of Object.entries(attrs)) dataset.create_attribute(name, new Int32Array(value));
    file.close();
    using live = openHdf5Live(path);
    const follower = new DatasetFollower(live, live.dataset("v"), "v", "f8");
    const { extent } = follower.progress;
    const cells: Record<number, number> = {};
    for (const change of follower.look(final).changes) {
      if (change.type !== "patch") continue;
      assert(change.values instanceof Float64Array);
      const strides = extent.map((_, axis) => extent.slice(axis + 1).reduce((a, b) => a * b, 1));
      const start = change.offset.reduce((flat, n, axis) => flat + n * (strides[axis] ?? 0), 0);
      change.values.forEach((value, i) => {
        assert(cells[start + i] === undefined, "a cell came twice");
        cells[start + i] = value;
      });
    }
    return { extent, cells };
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("with __shape the cursor is the place of the next write, and the extent is cut to it", async () => {
  const values = Array.from({ length: 12 }, (_, i) => i % 4 < 3 && i < 6 ? i + 1 : 0);
  const stored = { shape: [3, 4], values, attrs: { __shape: [2, 3], __cursor: [1, 2] } };
  assertEquals(await looked(stored), { extent: [2, 3], cells: { 0: 1, 1: 2, 2: 3, 3: 5, 4: 6 } });
});

Deno.test("without __shape the cursor is the place of the last write, and zeros before it are values", async () => {
  const stored = { shape: [2, 3], values: [0, 1, 0, 0, 0, 0], attrs: { __cursor: [1, 0] } };
  assertEquals(await looked(stored), { extent: [2, 3], cells: { 0: 0, 1: 1, 2: 0, 3: 0 } });
});

Deno.test("a cursor at the first place proves nothing", async () => {
  const stored = { shape: [4], values: [0, 0, 0, 0], attrs: { __cursor: [0] } };
  assertEquals(await looked(stored), { extent: [4], cells: {} });
});

Deno.test("of a dataset that grows, rows before the last one are written, whatever they hold", async () => {
  const stored = { shape: [3, 2], maxshape: [null, 2], values: [0, 0, 0, 1, 0, 0] };
  assertEquals(await looked(stored), { extent: [3, 2], cells: { 0: 0, 1: 0, 2: 0, 3: 1 } });
});

Deno.test("of a dataset of fixed size, what nothing was written to is not given before the end", async () => {
  const stored = { shape: [2, 3], values: [0, 7, 0, 0, 0, 0] };
  assertEquals(await looked(stored), { extent: [2, 3], cells: { 0: 0, 1: 7 } });
  assertEquals((await looked(stored, true)).cells, { 0: 0, 1: 7, 2: 0, 3: 0, 4: 0, 5: 0 });
});
