import { assert, assertEquals } from "../../tests/assert.ts";
import { PagePool } from "./page_pool.ts";
import { VariableCells } from "./variable_cells.ts";
import { writtenBoxes } from "./written_boxes.ts";
import { WrittenBits } from "./written_bits.ts";

const words = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);

function known(
  cells: VariableCells,
): [offset: readonly number[], shape: readonly number[], values: unknown[]][] {
  const frozen = cells.freeze();
  try {
    return frozen.boxes().map((box) => {
      const data = frozen.read(box);
      const values = data instanceof Uint8Array ? [...new Float64Array(data.slice().buffer)] : [...data];
      return [box.offset, box.shape, values];
    });
  } finally {
    frozen.release();
  }
}

Deno.test("cells keep their place when any axis grows, and are forgotten when one shrinks", () => {
  const cells = new VariableCells(new PagePool(undefined, 0), "f8", [0, 0]);
  cells.resize([1, 2]);
  cells.write({ offset: [0, 0], shape: [1, 2] }, words(1, 2));
  cells.resize([3, 5]);
  cells.write({ offset: [2, 3], shape: [1, 2] }, words(3, 4));
  assertEquals(known(cells), [[[0, 0], [1, 2], [1, 2]], [[2, 3], [1, 2], [3, 4]]]);
  cells.resize([3, 4]);
  assertEquals(known(cells), [[[0, 0], [1, 2], [1, 2]], [[2, 3], [1, 1], [3]]]);
  cells.resize([2, 4]);
  cells.resize([3, 5]);
  assertEquals(known(cells), [[[0, 0], [1, 2], [1, 2]]]);
});

Deno.test("an extent of any size costs nothing", () => {
  const cells = new VariableCells(new PagePool(undefined, 0), "text", [1e9, 1000, 1000]);
  cells.write({ offset: [999_999_999, 5, 7], shape: [1, 1, 2] }, ["a", "b"]);
  cells.resize([1e9, 1000, 8]);
  assertEquals(known(cells), [[[999_999_999, 5, 7], [1, 1, 1], ["a"]]]);
  cells.resize([1e9, 5, 8]);
  assertEquals(known(cells), []);
});

Deno.test("a single value and complex numbers are cells like others", () => {
  const one = new VariableCells(new PagePool(undefined, 0), "f8", []);
  assertEquals(known(one), []);
  one.write({ offset: [], shape: [] }, words(NaN));
  assertEquals(known(one), [[[], [], [NaN]]]);
  const pairs = new VariableCells(new PagePool(undefined, 0), "c16", [3000]);
  pairs.write({ offset: [1023], shape: [2] }, words(1, 2, 3, 4));
  assertEquals(known(pairs), [[[1023], [2], [1, 2, 3, 4]]]);
});

Deno.test("runs of written bits are found across the borders of words", () => {
  const bits = WrittenBits.of(128);
  bits.set(0, 1);
  bits.set(30, 97);
  bits.clear(40, 64);
  bits.set(127, 128);
  const runs: [number, number][] = [];
  for (let at = bits.next(0, true); at < 128; at = bits.next(at, true)) {
    const to = bits.next(at, false);
    runs.push([at, to]);
    at = to;
  }
  assertEquals(runs, [[0, 1], [30, 40], [64, 97], [127, 128]]);
  bits.clear(0, 128);
  assert(bits.empty);
});

Deno.test("written cells become few boxes", () => {
  assertEquals(writtenBoxes([[0, 12]], [4, 3]), [{ offset: [0, 0], shape: [4, 3] }]);
  assertEquals(writtenBoxes([[1, 5], [7, 8]], [3, 3]), [
    { offset: [0, 1], shape: [1, 2] },
    { offset: [1, 0], shape: [1, 2] },
    { offset: [2, 1], shape: [1, 1] },
  ]);
  // A column that grows is one box.
  assertEquals(writtenBoxes([[1, 2], [4, 5], [7, 8]], [3, 3]), [{ offset: [0, 1], shape: [3, 1] }]);
  assertEquals(writtenBoxes([[0, 8]], [2, 2, 2]), [{ offset: [0, 0, 0], shape: [2, 2, 2] }]);
});
