/** An HDF5 dataset as a column of values in C order. */
import type { Hdf5Values } from "../../src/kit/hdf5/decode.ts";
import type { Column } from "../../src/kit/grid/column.ts";
import { allocate, componentsOf } from "../../src/kit/grid/dtypes.ts";
import { type Dtype, sizeOf, type Values } from "../../src/kit/labelled.ts";

/** What reads boxes of values, flat in C order. */
export interface BoxReader {
  read(offset: number[], count: number[]): Hdf5Values;
}

/** Reads only what is asked for. */
export function hdf5Column(dataset: BoxReader, dtype: Dtype, shape: readonly number[]): Column {
  return {
    dtype,
    length: sizeOf(shape),
    read: (start, length) => {
      const boxes = [...boxesOf(shape, start, length)];
      const parts = boxes.map(({ offset, count }) => dataset.read(offset, count) as Values);
      return parts.length === 1 && parts[0] ? parts[0] : joined(parts, dtype, length);
    },
  };
}

function joined(parts: readonly Values[], dtype: Dtype, length: number): Values {
  if (dtype === "text") return parts.flatMap((part) => [...part as string[]]);
  const out = allocate(dtype, length);
  let at = 0;
  for (const part of parts) {
    out.set(part as never, at);
    at += part.length;
  }
  if (at !== length * componentsOf(dtype)) {
    throw new RangeError(`${at} numbers instead of ${length} elements`);
  }
  return out;
}

/** The boxes, each contiguous in C order, that together are the elements from `start`. */
export function* boxesOf(
  shape: readonly number[],
  start: number,
  length: number,
): Generator<{ offset: number[]; count: number[] }, void, undefined> {
  if (shape.length === 0) return yield { offset: [], count: [] };
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  for (let at = start; at < start + length;) {
    const left = start + length - at;
    const axis = strides.findIndex((stride) => at % stride === 0 && stride <= left);
    const stride = strides[axis] ?? 1;
    const offset = strides.map((s, k) => Math.floor(at / s) % (shape[k] ?? 1));
    const rows = Math.min((shape[axis] ?? 1) - (offset[axis] ?? 0), Math.floor(left / stride));
    yield { offset, count: shape.map((n, k) => k < axis ? 1 : k === axis ? rows : n) };
    at += rows * stride;
  }
}
