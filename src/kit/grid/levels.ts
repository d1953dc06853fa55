/** The distinct values of a column in ascending order: what a setpoint contributes to a grid. */
import type { NumericArray, Values } from "../labelled.ts";
import { compareCodePoints } from "../hdf5/code_points.ts";
import { chunksOf, type Column, columnOf } from "./column.ts";
import { allocate } from "./dtypes.ts";

export interface Levels {
  /** The distinct values, ascending, NaN left out. Complex: by real part, then imaginary part. */
  readonly column: Column;
  readonly length: number;
  /** True when the column holds NaN, which has no level. */
  readonly missing: boolean;
  /** Position among the levels of every element; 0 for values that have none. */
  ranks(values: Values): Uint32Array;
}

/** Beyond this many distinct numbers, sorting all of them takes less memory than remembering them in a map. */
const MAP_LIMIT = 1 << 17;

/** Finds the levels of a column. */
export function levelsOf(column: Column): Levels {
  if (column.dtype === "text" || column.dtype === "c8" || column.dtype === "c16" || !isSafe(column)) {
    return keyedLevels(column);
  }
  return numericLevels(column);
}

/** True when no two rows have the same value (NaN equals NaN). */
export function isUnique(column: Column): boolean {
  if (column.dtype === "text" || column.dtype === "c8" || column.dtype === "c16" || !isSafe(column)) {
    const levels = keyedLevels(column);
    return levels.length === column.length && !levels.missing;
  }
  if (isStrictlyMonotonic(column)) return true;
  const sorted = loadNumbers(column).sort();
  for (let i = 1; i < sorted.length; i++) {
    // NaN sorts last.
    if (sorted[i] === sorted[i - 1] || Number.isNaN(sorted[i - 1])) return false;
  }
  return true;
}

function isStrictlyMonotonic(column: Column): boolean {
  let sign = 0;
  let last = NaN;
  for (const { start, values } of chunksOf(column)) {
    for (let i = 0; i < values.length; i++) {
      const value = Number(values[i]);
      if (start + i > 0) {
        const direction = value > last ? 1 : value < last ? -1 : 0;
        if (direction === 0 || direction === -sign) return false;
        sign = direction;
      }
      last = value;
    }
  }
  return true;
}

/** False when 64-bit integers of the column do not fit into doubles. */
function isSafe(column: Column): boolean {
  if (column.dtype !== "i8" && column.dtype !== "u8") return true;
  for (const { values } of chunksOf(column)) {
    for (let i = 0; i < values.length; i++) if (!Number.isSafeInteger(Number(values[i]))) return false;
  }
  return true;
}

function loadNumbers(column: Column): Float64Array {
  const all = new Float64Array(column.length);
  for (const { start, values } of chunksOf(column)) {
    if (values instanceof Float64Array) all.set(values, start);
    else for (let i = 0; i < values.length; i++) all[start + i] = Number(values[i]);
  }
  return all;
}

function numericLevels(column: Column): Levels {
  const { sorted, missing } = distinctNumbers(column);
  return {
    column: columnOf(column.dtype, inDtype(sorted, column)),
    length: sorted.length,
    missing,
    ranks: (values) => rankNumbers(sorted, values),
  };
}

function inDtype(numbers: Float64Array, column: Column): Values {
  if (column.dtype === "text" || column.dtype === "f8") return numbers;
  const out = allocate(column.dtype, numbers.length) as { [index: number]: number | bigint };
  const big = column.dtype === "i8" || column.dtype === "u8";
  numbers.forEach((v, i) => out[i] = big ? BigInt(v) : v);
  return out as NumericArray;
}

function distinctNumbers(column: Column): { sorted: Float64Array; missing: boolean } {
  const seen: number[] = [];
  const known = new Map<number, number>();
  let missing = false;
  let last = 0;
  for (const { values } of chunksOf(column)) {
    for (let i = 0; i < values.length; i++) {
      const value = Number(values[i]);
      // Loops repeat the last value, take the next one of the previous sweep, or start over.
      if (value === seen[last]) continue;
      if (value === seen[last + 1]) {
        last++;
        continue;
      }
      if (value === seen[0]) {
        last = 0;
        continue;
      }
      const index = known.get(value);
      if (index !== undefined) last = index;
      else if (Number.isNaN(value)) missing = true;
      else {
        last = seen.push(value) - 1;
        known.set(value, last);
        if (seen.length > MAP_LIMIT) return sortedDistinct(loadNumbers(column));
      }
    }
  }
  return { sorted: Float64Array.from(seen).sort(), missing };
}

function sortedDistinct(all: Float64Array): { sorted: Float64Array; missing: boolean } {
  all.sort();
  let n = 0;
  let i = 0;
  for (; i < all.length && !Number.isNaN(all[i]); i++) {
    if (n === 0 || all[i] !== all[n - 1]) all[n++] = all[i] as number;
  }
  return { sorted: all.slice(0, n), missing: i < all.length };
}

function rankNumbers(sorted: Float64Array, values: Values): Uint32Array {
  const ranks = new Uint32Array(values.length);
  let last = 0;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value !== sorted[last]) {
      if (value === sorted[last + 1]) last++;
      else if (value === sorted[last - 1]) last--;
      else if (value === sorted[0]) last = 0;
      else last = search(sorted, value);
    }
    ranks[i] = last;
  }
  return ranks;
}

/** Position of a value in an ascending array that holds it; otherwise of the last one that is not greater, or 0. */
export function search(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Text, complex numbers and integers beyond 2^53, looked up by a textual key. */
function keyedLevels(column: Column): Levels {
  const complex = column.dtype === "c8" || column.dtype === "c16";
  const keyOf = (values: Values, i: number) =>
    complex ? `${Number(values[2 * i]) + 0} ${Number(values[2 * i + 1]) + 0}` : String(values[i]);
  const count = (values: Values) => values.length / (complex ? 2 : 1);
  const found = new Map<string, { key: string; re: number; im: number; big: bigint }>();
  let missing = false;
  for (const { values } of chunksOf(column)) {
    for (let i = 0; i < count(values); i++) {
      const key = keyOf(values, i);
      if (found.has(key)) continue;
      if (complex && key.includes("NaN")) missing = true;
      else {
        found.set(key, {
          key,
          re: complex ? Number(values[2 * i]) : 0,
          im: complex ? Number(values[2 * i + 1]) : 0,
          big: column.dtype === "text" || complex ? 0n : BigInt(values[i] as bigint),
        });
      }
    }
  }
  const sorted = [...found.values()].sort((a, b) =>
    column.dtype === "text"
      ? compareCodePoints(a.key, b.key)
      : complex
      ? a.re - b.re || a.im - b.im
      : a.big < b.big
      ? -1
      : Number(a.big > b.big)
  );
  const rankOf = new Map(sorted.map((level, rank) => [level.key, rank]));
  return {
    column: columnOf(column.dtype, valuesOf(sorted, column)),
    length: sorted.length,
    missing,
    ranks: (values) =>
      Uint32Array.from({ length: count(values) }, (_, i) => rankOf.get(keyOf(values, i)) ?? 0),
  };
}

function valuesOf(
  sorted: readonly { key: string; re: number; im: number; big: bigint }[],
  column: Column,
): Values {
  if (column.dtype === "text") return sorted.map((s) => s.key);
  const out = allocate(column.dtype, sorted.length) as { [index: number]: number | bigint };
  const complex = column.dtype === "c8" || column.dtype === "c16";
  sorted.forEach((s, i) => {
    if (complex) [out[2 * i], out[2 * i + 1]] = [s.re, s.im];
    else out[i] = s.big;
  });
  return out as NumericArray;
}
