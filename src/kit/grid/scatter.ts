/** Puts measured points at their places in an array, with bounded memory whatever their order. */
import type { Dtype, NumericArray, Values } from "../labelled.ts";
import type { Placement } from "./cells.ts";
import { CHUNK, type Column } from "./column.ts";
import {
  allocate,
  componentsOf,
  convert,
  itemBytes,
  type NumericDtype,
  viewOf,
  withHoles,
} from "./dtypes.ts";
import type { Scratch, ScratchFile } from "./scratch.ts";

export interface Scattered {
  dtype: Dtype;
  /** Elements from `start`, flat in C order; to be called with rising ranges. */
  data: Values | ((start: number, length: number) => Values);
}

/** Cells held in memory at a time. */
const BUCKET = 1 << 20;
/** Points of one bucket collected before they are written to the scratch file. */
const BLOCK = 1 << 12;

/**
 * Arranges the values of a column in an array of `size` cells. Cells without a point hold NaN (numbers) or "" (text);
 * integers then become floats.
 * @param place cell of every point, each used once; null when point i belongs into cell i
 */
export function scatter(column: Column, place: Placement | null, size: number, scratch: Scratch): Scattered {
  if (place === null && column.length === size) {
    return { dtype: column.dtype, data: (start, length) => column.read(start, length) };
  }
  const dtype = size > column.length ? withHoles(column.dtype) : column.dtype;
  const placement: Placement = place ??
    ((start, length) => Float64Array.from({ length }, (_, i) => start + i));
  if (dtype === "text") return { dtype, data: scatterText(column, placement, size) };
  let buckets: ((index: number) => NumericArray) | undefined;
  let current: { index: number; values: NumericArray } | undefined;
  const n = componentsOf(dtype);
  return {
    dtype,
    data: (start, length) => {
      buckets ??= distribute(column, dtype, placement, size, scratch);
      const out = allocate(dtype, length);
      for (let done = 0; done < length;) {
        const index = Math.floor((start + done) / BUCKET);
        if (current?.index !== index) current = { index, values: buckets(index) };
        const from = start + done - index * BUCKET;
        const count = Math.min(length - done, BUCKET - from);
        out.set(current.values.subarray(from * n, (from + count) * n) as never, done * n);
        done += count;
      }
      return out;
    },
  };
}

function scatterText(column: Column, place: Placement, size: number): string[] {
  const out = new Array<string>(size).fill("");
  for (let start = 0; start < column.length; start += CHUNK) {
    const length = Math.min(CHUNK, column.length - start);
    const cells = place(start, length);
    const values = column.read(start, length);
    for (let i = 0; i < length; i++) out[cells[i] as number] = String(values[i]);
  }
  return out;
}

/** Sorts points into buckets of neighbouring cells. @returns makes one bucket's cells */
function distribute(
  column: Column,
  dtype: NumericDtype,
  place: Placement,
  size: number,
  scratch: Scratch,
): (index: number) => NumericArray {
  const bucketLength = (index: number) => Math.min(BUCKET, size - index * BUCKET);
  const holes = size > column.length;
  const fresh = (index: number) => {
    const values = allocate(dtype, bucketLength(index));
    if (holes) (values as Float64Array).fill(NaN);
    return values;
  };
  const points = function* () {
    for (let start = 0; start < column.length; start += CHUNK) {
      const length = Math.min(CHUNK, column.length - start);
      const values = column.read(start, length) as NumericArray;
      yield { cells: place(start, length), values: convert(values, column.dtype as NumericDtype, dtype) };
    }
  };
  if (size <= BUCKET) {
    const only = fresh(0);
    for (const { cells, values } of points()) putAll(only, cells, values, componentsOf(dtype));
    return () => only;
  }
  const sorter = new BucketSorter(dtype, Math.ceil(size / BUCKET), scratch);
  for (const { cells, values } of points()) sorter.add(cells, values);
  return (index) => {
    const values = fresh(index);
    sorter.fill(index, values);
    return values;
  };
}

function putAll(out: NumericArray, cells: Float64Array | Uint32Array, values: NumericArray, n: 1 | 2): void {
  const target = out as { [index: number]: number | bigint };
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i] as number;
    target[cell * n] = values[i * n] as number | bigint;
    if (n === 2) target[cell * n + 1] = values[i * n + 1] as number | bigint;
  }
}

/** Blocks of (cell, value) pairs per bucket, in one scratch file. */
class BucketSorter {
  readonly #file: ScratchFile;
  readonly #buckets: {
    cells: Uint32Array;
    values: NumericArray;
    count: number;
    blocks: { at: number; count: number }[];
  }[];

  constructor(readonly dtype: NumericDtype, count: number, scratch: Scratch) {
    this.#file = scratch.create();
    this.#buckets = Array.from({ length: count }, () => ({
      cells: new Uint32Array(BLOCK),
      values: allocate(dtype, BLOCK),
      count: 0,
      blocks: [],
    }));
  }

  add(cells: Float64Array, values: NumericArray): void {
    const n = componentsOf(this.dtype);
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as number;
      const bucket = this.#buckets[Math.floor(cell / BUCKET)];
      if (!bucket) throw new RangeError(`cell ${cell} lies outside the array`);
      const target = bucket.values as { [index: number]: number | bigint };
      bucket.cells[bucket.count] = cell % BUCKET;
      target[bucket.count * n] = values[i * n] as number | bigint;
      if (n === 2) target[bucket.count * n + 1] = values[i * n + 1] as number | bigint;
      if (++bucket.count === BLOCK) {
        const at = this.#file.append(new Uint8Array(bucket.cells.buffer));
        this.#file.append(new Uint8Array(bucket.values.buffer));
        bucket.blocks.push({ at, count: BLOCK });
        bucket.count = 0;
      }
    }
  }

  /** Puts the points of a bucket into its cells. */
  fill(index: number, out: NumericArray): void {
    const bucket = this.#buckets[index];
    if (!bucket) return;
    const n = componentsOf(this.dtype);
    for (const { at, count } of bucket.blocks) {
      const bytes = new Uint8Array(count * (4 + itemBytes(this.dtype)));
      this.#file.read(at, bytes);
      const cells = new Uint32Array(bytes.buffer, 0, count);
      const values = viewOf(this.dtype, bytes.subarray(4 * count));
      putAll(out, cells, values, n);
    }
    putAll(out, bucket.cells.subarray(0, bucket.count), bucket.values, n);
  }
}
