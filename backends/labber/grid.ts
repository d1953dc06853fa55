/**
 * Whether points that were measured one after the other lie on a grid: in order of time they are the beginning of the
 * product of the setpoints' values, the first setpoint running fastest.
 */
import { CHUNK, type Column } from "../../src/kit/grid/column.ts";

/**
 * The values of each setpoint in order of their first appearance; null when the points are no grid. A slow setpoint
 * has the values that were begun; the last row may be incomplete.
 * @param setpoints fastest first
 * @param points number of points; more than one without setpoints, or none, are no grid
 */
export function gridAxes(setpoints: readonly Column[], points: number): Float64Array[] | null {
  if (points === 0) return null;
  const axes: Float64Array[] = [];
  let cells = 1;
  for (const column of setpoints) {
    const axis = firstRound(column, cells, points);
    if (!isDistinct(axis)) return null;
    axes.push(axis);
    cells *= axis.length;
  }
  if (cells < points) return null;
  let stride = 1;
  for (const [k, column] of setpoints.entries()) {
    const axis = axes[k] ?? new Float64Array(0);
    if (!repeats(column, axis, stride, points)) return null;
    stride *= axis.length;
  }
  return axes;
}

/** Every `stride`-th value, until the first one comes again. */
function firstRound(column: Column, stride: number, points: number): Float64Array {
  let values = new Float64Array(64);
  let length = 0;
  const at = reader(column, points);
  for (let p = 0; p < points; p += stride) {
    const value = at(p);
    if (length > 0 && value === values[0]) break;
    if (length === values.length) {
      const grown = new Float64Array(2 * length);
      grown.set(values);
      values = grown;
    }
    values[length++] = value;
  }
  return values.slice(0, length);
}

function isDistinct(values: Float64Array): boolean {
  const sorted = values.toSorted();
  // NaN sorts last.
  return !Number.isNaN(sorted.at(-1)) && sorted.every((value, i) => i === 0 || value !== sorted[i - 1]);
}

/** Whether point p has value (p / stride) mod (length of the axis), for all points. */
function repeats(column: Column, axis: Float64Array, stride: number, points: number): boolean {
  const at = reader(column, points);
  for (let p = 0, index = 0; p < points; index = (index + 1) % axis.length) {
    const value = axis[index];
    for (const end = Math.min(p + stride, points); p < end; p++) {
      if (at(p) !== value) return false;
    }
  }
  return true;
}

/** Reads single values at rising positions, block by block. */
function reader(column: Column, points: number): (position: number) => number {
  let start = 0;
  let block: Float64Array = new Float64Array(0);
  return (position) => {
    if (position >= start + block.length) {
      start = position;
      block = column.read(start, Math.min(CHUNK, points - start)) as Float64Array;
    }
    return block[position - start] ?? NaN;
  };
}
