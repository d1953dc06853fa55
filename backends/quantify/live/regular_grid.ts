/**
 * The grid that Quantify itself makes of several setpoints, the first one running fastest, found in one pass over each:
 * the general test (`gridOf`) takes several, which is long for a file of a GiB.
 */
import { chunksOf, type Column, columnOf } from "../../../src/kit/grid/column.ts";
import type { Variable } from "../measurement.ts";

/** Values beyond which an axis is left to the general test. */
const LONGEST_AXIS = 1 << 22;

/** The setpoints with their distinct values, ascending; undefined when the points are not of that form. */
export function regularAxes(setpoints: readonly Variable[]): Variable[] | undefined {
  const axes: Variable[] = [];
  let stride = 1;
  for (const v of setpoints) {
    const values = v.column.dtype === "f8" ? axisOf(v.column, stride) : undefined;
    if (!values) return undefined;
    stride *= values.length;
    const column = columnOf("f8", values);
    axes.push({ ...v, dims: [v.name], shape: [values.length], role: "coordinate", column });
  }
  return stride === setpoints[0]?.column.length ? axes : undefined;
}

/** The values of a setpoint that stays for `stride` points and comes around again and again; ascending. */
function axisOf(column: Column, stride: number): Float64Array | undefined {
  const axis: number[] = [];
  let hasComeAround = false;
  let index = -1, left = 0;
  for (const { values } of chunksOf(column)) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (left === 0) {
        left = stride;
        index++;
        hasComeAround ||= value === axis[0];
        if (!hasComeAround) axis.push(value);
        else if (index === axis.length) index = 0;
        if (axis.length > LONGEST_AXIS) return undefined;
      }
      // NaN equals nothing.
      if (value !== axis[index]) return undefined;
      left--;
    }
  }
  const sorted = Float64Array.from(axis).sort();
  return sorted.every((value, i) => i === 0 || value !== sorted[i - 1]) ? sorted : undefined;
}
