import { assertEquals } from "../../../tests/assert.ts";
import { runBoxes } from "./run_boxes.ts";

Deno.test("a run of cells is covered by boxes, in order and each cell once", () => {
  const shape = [3, 4, 5], cells = 60;
  for (let start = 0; start < cells; start++) {
    for (let length = 1; start + length <= cells; length++) {
      const covered = [...runBoxes(shape, start, length)].flatMap(({ offset, shape: box }) => {
        const places: number[] = [];
        for (let i = 0; i < (box[0] ?? 0); i++) {
          for (let j = 0; j < (box[1] ?? 0); j++) {
            for (let k = 0; k < (box[2] ?? 0); k++) {
              places.push(((offset[0] ?? 0) + i) * 20 + ((offset[1] ?? 0) + j) * 5 + (offset[2] ?? 0) + k);
            }
          }
        }
        return places;
      });
      assertEquals(covered, Array.from({ length }, (_, i) => start + i));
    }
  }
});

Deno.test("whole rows are one box", () => {
  assertEquals([...runBoxes([9, 20], 40, 60)], [{ offset: [2, 0], shape: [3, 20] }]);
});
