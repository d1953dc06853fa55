import { assertEquals } from "../../../tests/assert.ts";
import { columnOf } from "../../../src/kit/grid/column.ts";
import { gridOf } from "../grid.ts";
import type { Variable } from "../measurement.ts";
import { regularAxes } from "./regular_grid.ts";

function setpoint(name: string, values: number[]): Variable {
  const column = columnOf("f8", Float64Array.from(values));
  return { name, dims: ["dim_0"], shape: [values.length], attrs: {}, role: "data", column };
}

/** All combinations, the first axis running fastest. */
function product(axes: number[][]): Variable[] {
  const points = axes.reduce((n, axis) => n * axis.length, 1);
  return axes.map((axis, k) => {
    const stride = axes.slice(0, k).reduce((n, other) => n * other.length, 1);
    return setpoint(
      `x${k}`,
      Array.from({ length: points }, (_, p) => axis[Math.floor(p / stride) % axis.length] ?? NaN),
    );
  });
}

const valuesOf = (axes: Variable[] | undefined) =>
  axes?.map(({ name, column }) => [name, [...column.read(0, column.length)]]);

Deno.test("the grid found in one pass is that of the general test", () => {
  for (const axes of [[[0, 1, 2], [5, 3]], [[1], [2], [3]], [[4, 2], [7], [1, 0, -1]], [[-0, 1], [0, 1]]]) {
    const setpoints = product(axes);
    assertEquals(valuesOf(regularAxes(setpoints)), valuesOf(gridOf(setpoints)?.axes));
    assertEquals(regularAxes(setpoints)?.map(({ shape }) => shape), axes.map((axis) => [axis.length]));
  }
});

Deno.test("what is not of that form is left to the general test", () => {
  const cases = {
    "slowest first": product([[0, 1, 2], [5, 3]]).toReversed(),
    incomplete: [setpoint("x0", [0, 1, 0]), setpoint("x1", [5, 5, 3])],
    "there and back": [setpoint("x0", [0, 1, 1, 0]), setpoint("x1", [5, 5, 3, 3])],
    repeated: [setpoint("x0", [0, 1, 0, 1]), setpoint("x1", [5, 5, 5, 5])],
    "not a number": [setpoint("x0", [0, NaN, 0, NaN]), setpoint("x1", [5, 5, 3, 3])],
  };
  for (const [name, setpoints] of Object.entries(cases)) {
    assertEquals(regularAxes(setpoints), undefined, name);
  }
});
