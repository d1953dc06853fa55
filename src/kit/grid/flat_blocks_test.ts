import { assert, assertEquals } from "../../../tests/assert.ts";
import { flatBlocks } from "./flat_blocks.ts";

Deno.test("every run of every small grid is covered once and in order, by at most two blocks per axis", () => {
  for (const shape of [[], [5], [1], [3, 4], [1, 4], [4, 1], [2, 3, 4], [2, 1, 3, 2], [0], [3, 0]]) {
    const size = shape.reduce((a, b) => a * b, 1);
    for (let from = 0; from <= size; from++) {
      for (let to = from; to <= size; to++) {
        const blocks = [...flatBlocks(shape, from, to)];
        const cells = blocks.flatMap((block) => cellsOf(shape, block));
        assertEquals(cells, Array.from({ length: to - from }, (_, i) => from + i), `${shape}: ${from}–${to}`);
        assertEquals(blocks.map((b) => b.length).reduce((a, b) => a + b, 0), to - from);
        assert(blocks.length <= Math.max(1, 2 * shape.length - 1), `${blocks.length} blocks in ${shape}`);
      }
    }
  }
});

Deno.test("positions beyond the grid belong to no block", () => {
  assertEquals([...flatBlocks([2, 2], 3, 9)], [{ offset: [1, 1], shape: [1, 1], start: 3, length: 1 }]);
  assertEquals([...flatBlocks([2, 2], 4, 9)], []);
});

/** Flat positions of a block's cells, found from its corner and extent alone. */
function cellsOf(
  shape: number[],
  { offset, shape: extent }: { offset: number[]; shape: number[] },
): number[] {
  let cells = [0];
  for (const [axis, length] of shape.entries()) {
    const indices = Array.from({ length: extent[axis] ?? 0 }, (_, i) => (offset[axis] ?? 0) + i);
    cells = cells.flatMap((cell) => indices.map((i) => cell * length + i));
  }
  return cells;
}
