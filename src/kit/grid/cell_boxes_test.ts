import { assert, assertEquals } from "../../../tests/assert.ts";
import { sizeOf } from "../labelled.ts";
import { cellBoxes } from "./cell_boxes.ts";

/** The cells of boxes, in the order in which their values are listed. */
function listed(cells: number[], shape: number[]) {
  return cellBoxes(cells, shape).map(({ offset, shape: count, rows }) => {
    const width = count.at(-1) ?? 1;
    const found = rows.flatMap((from) => cells.slice(from, from + width));
    const expected = Array.from({ length: sizeOf(count) }, (_, k) =>
      shape.reduce((flat, n, axis) => {
        const inner = sizeOf(count.slice(axis + 1));
        return flat * n + (offset[axis] ?? 0) + Math.floor(k / inner) % (count[axis] ?? 1);
      }, 0));
    assertEquals(found, expected, "the cells of a box, in C order");
    return found;
  });
}

Deno.test("boxes hold exactly the cells, and a block of the array is one box", () => {
  const cases: [number[], number[], number][] = [
    [[], [4], 0],
    [[2, 3, 4], [9], 1],
    [[0, 1, 2, 3, 4, 5], [2, 3], 1],
    [[1, 4, 7], [3, 3], 1],
    [[0, 1, 3, 4], [3, 3], 1],
    [[0, 2, 3, 5], [2, 3], 2],
    [[2, 3], [2, 3], 2],
    [Array.from({ length: 24 }, (_, i) => i), [2, 3, 4], 1],
    [[1, 5, 13, 17], [2, 3, 4], 1],
    [[0], [], 1],
  ];
  for (const [cells, shape, count] of cases) {
    const boxes = listed(cells, shape);
    assertEquals(boxes.flat().sort((a, b) => a - b), cells);
    assertEquals(boxes.length, count, `${cells} of ${shape}`);
  }
});

Deno.test("the part of a sweep along the slow axis of the array is at most three boxes", () => {
  // Points 5 to 22 of a sweep whose first setpoint is the first axis, of length 7: cell = (point % 7) * 6 + point / 7.
  const cells = Array.from({ length: 18 }, (_, i) => ((5 + i) % 7) * 6 + Math.floor((5 + i) / 7)).sort((
    a,
    b,
  ) => a - b);
  const boxes = listed(cells, [7, 6]);
  assert(boxes.length <= 3, `${boxes.length} boxes`);
});
