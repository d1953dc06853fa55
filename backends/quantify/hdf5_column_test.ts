import { assertEquals } from "../../tests/assert.ts";
import { boxesOf } from "./hdf5_column.ts";

/** Flat positions of a box's elements. */
function positions(shape: number[], { offset, count }: { offset: number[]; count: number[] }): number[] {
  let flat = [0];
  shape.forEach((n, axis) => {
    flat = flat.flatMap((at) =>
      Array.from({ length: count[axis] ?? 1 }, (_, i) => at * n + (offset[axis] ?? 0) + i)
    );
  });
  return flat;
}

Deno.test("any range of an array is covered by boxes, in order", () => {
  for (const shape of [[], [7], [3, 4], [2, 3, 4], [1, 5, 1], [4, 1, 3]]) {
    const size = shape.reduce((a, b) => a * b, 1);
    for (let start = 0; start < size; start++) {
      for (let length = 1; start + length <= size; length++) {
        const covered = [...boxesOf(shape, start, length)].flatMap((box) => positions(shape, box));
        assertEquals(covered, Array.from({ length }, (_, i) => start + i), `${shape} ${start} ${length}`);
      }
    }
  }
});

Deno.test("whole arrays and whole rows are one box", () => {
  assertEquals([...boxesOf([2, 3, 4], 0, 24)], [{ offset: [0, 0, 0], count: [2, 3, 4] }]);
  assertEquals([...boxesOf([2, 3, 4], 12, 8)], [{ offset: [1, 0, 0], count: [1, 2, 4] }]);
});
