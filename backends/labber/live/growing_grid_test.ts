import { assertEquals } from "../../../tests/assert.ts";
import { columnOf } from "../../../src/kit/grid/column.ts";
import { gridAxes } from "../grid.ts";
import { GrowingGrid } from "./growing_grid.ts";

/** A linear congruential generator. */
function* random(seed: number): Generator<number, never, undefined> {
  for (let state = seed;; state = (state * 1_103_515_245 + 12_345) % 2 ** 31) yield state / 2 ** 31;
}

Deno.test("after each point the verdict is that of the test of all points", () => {
  const numbers = random(7);
  const next = (below: number) => Math.floor(numbers.next().value * below);
  let grids = 0;
  for (let run = 0; run < 400; run++) {
    const lengths = Array.from({ length: next(4) }, () => 1 + next(4));
    const points = Array.from({ length: next(30) }, (_, p) =>
      lengths.map((n, k) => {
        const stride = lengths.slice(0, k).reduce((a, b) => a * b, 1);
        const regular = Math.floor(p / stride) % n;
        return next(60) === 0 ? [NaN, next(4), -0][next(3)] ?? NaN : regular;
      }));
    const grid = new GrowingGrid(lengths.length);
    assertEquals(grid.axes, null);
    for (const [p, values] of points.entries()) {
      grid.push(values);
      const columns = lengths.map((_, k) =>
        columnOf("f8", Float64Array.from(points.slice(0, p + 1), (v) => v[k] ?? NaN))
      );
      const expected = gridAxes(columns, p + 1);
      if (expected) grids++;
      assertEquals(grid.axes, expected, JSON.stringify(points.slice(0, p + 1)));
    }
  }
  assertEquals(grids > 1000, true, "most are grids");
});
