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
  const candidates: { column: Column; stride: number; length: number; axis: Float64Array }[] = [];
  let cells = 1;
  for (const column of setpoints) {
    const length = roundLength(column, cells, points);
    candidates.push({ column, stride: cells, length, axis: new Float64Array(0) });
    cells *= length;
  }
  if (cells < points) return null;
  // Where there is no grid, a short axis tells so before the values of a long one are collected.
  for (const candidate of candidates.toSorted((a, b) => a.length - b.length)) {
    const { column, stride, length } = candidate;
    candidate.axis = firstRound(column, stride, length, points);
    if (!isDistinct(candidate.axis) || !repeats(column, candidate.axis, stride, points)) return null;
  }
  return candidates.map(({ axis }) => axis);
}

/** How many values, taken every `stride` points, come before the first one comes again. */
function roundLength(column: Column, stride: number, points: number): number {
  const at = reader(column, points);
  const first = at(0);
  let length = 1;
  for (let p = stride; p < points && at(p) !== first; p += stride) length++;
  return length;
}

/** The first `length` values, taken every `stride` points. */
function firstRound(column: Column, stride: number, length: number, points: number): Float64Array {
  const at = reader(column, points);
  return Float64Array.from({ length }, (_, i) => at(i * stride));
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
