import { assert, assertEquals } from "../../tests/assert.ts";
import { partCount, partRange, partSizeFor } from "./part_size.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

Deno.test("parts are of 5 MiB, and larger where there would be more than 1000", () => {
  const cases: [size: number, partSize: number, parts: number][] = [
    [0, 5 * MIB, 1],
    [1, 5 * MIB, 1],
    [5 * MIB, 5 * MIB, 1],
    [5 * MIB + 1, 5 * MIB, 2],
    [2 * GIB, 5 * MIB, 410],
    [5000 * MIB, 5 * MIB, 1000],
    [5000 * MIB + 1, 6 * MIB, 834],
    [100 * GIB, 103 * MIB, 995],
  ];
  for (const [size, partSize, parts] of cases) {
    assertEquals(
      [partSizeFor(size), partCount({ size, part_size: partSize })],
      [partSize, parts],
      String(size),
    );
  }
});

Deno.test("parts cover every byte once", () => {
  for (const size of [0, 1, 5 * MIB, 5 * MIB + 1, 17 * MIB, 7 * GIB + 3]) {
    const upload = { size, part_size: partSizeFor(size) };
    let end = 0;
    for (let number = 1; number <= partCount(upload); number++) {
      const { start, length } = partRange(upload, number);
      assertEquals(start, end);
      assert(length <= upload.part_size && (length > 0 || size === 0));
      end = start + length;
    }
    assertEquals(end, size);
  }
});
