import { assertEquals } from "../../../tests/assert.ts";
import { sizeOf } from "../labelled.ts";
import { boxesOf } from "./c_order_boxes.ts";

/** The flat positions of a block, in C order. */
function cellsOf({ offset, shape }: { offset: number[]; shape: number[] }, whole: number[]): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, i) => {
    let flat = 0;
    for (let k = shape.length - 1, rest = i, stride = 1; k >= 0; k--) {
      flat += ((offset[k] ?? 0) + rest % (shape[k] ?? 1)) * stride;
      rest = Math.floor(rest / (shape[k] ?? 1));
      stride *= whole[k] ?? 1;
    }
    return flat;
  });
}

Deno.test("every range of an array is covered once, in order, by few blocks", () => {
  for (const shape of [[], [24], [4, 6], [2, 3, 4], [3, 1, 8]]) {
    for (let start = 0; start < sizeOf(shape); start++) {
      for (let count = 0; start + count <= sizeOf(shape); count++) {
        const boxes = boxesOf(start, count, shape);
        const range = Array.from({ length: count }, (_, i) => start + i);
        assertEquals(
          boxes.flatMap((box) => cellsOf(box, shape)),
          range,
          `${count} from ${start} of ${shape}`,
        );
        assertEquals(boxes.length <= Math.max(1, 2 * shape.length - 1), true);
      }
    }
  }
});

Deno.test("a range may reach beyond the first axis, which grows", () => {
  assertEquals(boxesOf(5, 4, [2, 3]), [
    { offset: [1, 2], shape: [1, 1] },
    { offset: [2, 0], shape: [1, 3] },
  ]);
});
