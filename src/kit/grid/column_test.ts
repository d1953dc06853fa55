import { join } from "node:path";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { inTempDir } from "../hdf5/testing.ts";
import { ColumnWriter } from "./column.ts";
import { Scratch } from "./scratch.ts";

Deno.test("a long column that arrives in small pieces lies on disk, and reads back as it was", async () => {
  await inTempDir((folder) => {
    using scratch = new Scratch(folder);
    const column = new ColumnWriter(scratch);
    const piece = 1000, pieces = 4000;
    for (let k = 0; k < pieces; k++) {
      column.append("f8", Float64Array.from({ length: piece }, (_, i) => k * piece + i));
    }
    assertEquals(column.length, piece * pieces);
    const [file] = [...Deno.readDirSync(folder)];
    const onDisk = Deno.statSync(join(folder, file?.name ?? "")).size;
    assert(8 * piece * pieces - onDisk <= 2 << 20, `only ${onDisk} bytes are on disk`);
    for (const start of [0, 131_070, 1_999_999, piece * pieces - 10]) {
      const values = column.read(start, 10);
      assertEquals(Array.from(values, Number), Array.from({ length: 10 }, (_, i) => start + i));
    }
    return Promise.resolve();
  });
});
