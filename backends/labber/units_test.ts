import { assert, assertEquals } from "../../tests/assert.ts";
import { columnOf } from "../../src/kit/grid/column.ts";
import { gridAxes } from "./grid.ts";
import { variableName } from "./names.ts";
import { boxes } from "./time_order.ts";

Deno.test("names: what identifiers cannot hold becomes one underscore", () => {
  const names = {
    "SMU - Source Value (Voltage)": "SMU_-_Source_Value_Voltage",
    "PG - Single-shot, QB1": "PG_-_Single-shot_QB1",
    "2D scan": "var_2D_scan",
    "__a  b__": "a_b",
    "a/b/c": "a_b_c",
    "Spännung": "Sp_nnung",
    "µ": "var",
    "": "var",
  };
  for (const [channel, name] of Object.entries(names)) assertEquals(variableName(channel), name);
});

const axes = (...columns: number[][]) => {
  const found = gridAxes(columns.map((c) => columnOf("f8", Float64Array.from(c))), columns[0]?.length ?? 0);
  return found && found.map((axis) => [...axis]);
};

Deno.test("a grid is the beginning of a product, in order of time", () => {
  assertEquals(axes([0, 1, 0, 1], [5, 5, 3, 3]), [[0, 1], [5, 3]]);
  assertEquals(axes([0, 1, 0], [5, 5, 3]), [[0, 1], [5, 3]], "stopped in a row");
  assertEquals(axes([1, 1, 1], [5, 4, 3]), [[1], [5, 4, 3]], "one value");
  assertEquals(axes([2]), [[2]]);
  assertEquals(axes([0, 1, 1, 0], [5, 5, 3, 3]), null, "alternating");
  assertEquals(axes([0, 1, 2], [0, 10, 20]), null, "one follows the other");
  assertEquals(axes([0, 1, 0]), null, "there and back");
  assertEquals(axes([0, 0, 1, 1], [0, 1, 0, 1]), null, "slowest first");
  assertEquals(axes([0, 1, 0, 1], [5, 5, 5, 5]), null, "repeated as a whole");
  assertEquals(axes([0, NaN]), null);
  assertEquals(axes([]), null);
  assertEquals(gridAxes([], 1), []);
  assertEquals(gridAxes([], 2), null);
});

Deno.test("boxes visit the values of each column once, in order of time, and stay small", () => {
  const shapes = [[7, 3, 10], [1, 1, 1], [40, 2, 9], [5, 30, 4], [64, 1, 2]] as const;
  for (const [inner, columns, entries] of shapes) {
    for (const chunks of [[], [7, 3, 1], [2, 1, 4], [inner, columns, entries], [3, 2, 100], [1, 1, 1]]) {
      for (const most of [8, 50, 1e6]) {
        const visited = Array.from({ length: columns }, () => [] as number[]);
        for (
          const { offset: [i0, c0, e0], count: [ni, nc, ne] } of boxes(
            { inner, columns, entries },
            chunks,
            most,
          )
        ) {
          assert(
            ni * ne * Math.min(nc, chunks[1] ?? columns) <= most || ni === 1,
            `${[ni, nc, ne]} above ${most}`,
          );
          for (let c = c0; c < c0 + nc; c++) {
            for (let e = e0; e < e0 + ne; e++) {
              for (let i = i0; i < i0 + ni; i++) visited[c]?.push(e * inner + i);
            }
          }
        }
        const expected = Array.from({ length: inner * entries }, (_, k) => k);
        for (const positions of visited) assertEquals(positions, expected);
      }
    }
  }
});
