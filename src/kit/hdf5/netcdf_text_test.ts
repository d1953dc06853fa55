import { join } from "node:path";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { writeNetcdf } from "./netcdf_writer.ts";
import { openHdf5 } from "./open.ts";

Deno.test("a large text array is read in pieces and comes out whole", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const shape = [3, 50_001];
    const text = (i: number) => i % 1000 === 0 ? "µ 🙂".repeat(i % 7) : `t${i}`;
    const asked: number[] = [];
    let next = 0;
    await writeNetcdf(join(folder, "text.nc"), {
      arrays: [{
        name: "label",
        dims: ["x", "y"],
        shape,
        dtype: "text",
        data: (start, length) => {
          assertEquals(start, next);
          next += length;
          asked.push(length);
          return Array.from({ length }, (_, i) => text(start + i));
        },
        attrs: {},
        role: "data",
      }],
      attrs: {},
    });
    assert(asked.length > 1 && Math.max(...asked) <= 65_536, asked.join());

    using file = await openHdf5(join(folder, "text.nc"));
    const dataset = file.dataset("/label");
    assertEquals(dataset.shape, shape);
    assertEquals(dataset.read(), Array.from({ length: 150_003 }, (_, i) => text(i)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
