/** A run of decoded elements, and how the parts of chunks get into it. */
import type { Dtype, NumericArray, Values } from "../labelled.ts";
import type { DecodedChunk } from "./chunk_reader.ts";
import type { ElementType } from "./element_type.ts";
import type { Scalar } from "./fill_value.ts";

/** A box inside an array. */
export interface Box {
  offset: number[];
  count: number[];
}

const ARRAYS = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i2: Int16Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  u8: BigUint64Array,
  bool: Uint8Array,
  c8: Float32Array,
  c16: Float64Array,
} satisfies Record<Exclude<Dtype, "text">, unknown>;

export class Band {
  /** Flat C-order position of the first element. */
  readonly start: number;
  readonly length: number;
  readonly values: Values;
  /** Places in `values` per element. */
  readonly #width: number;

  constructor(type: ElementType, start: number, length: number) {
    this.start = start;
    this.length = length;
    this.#width = type.pairs ? 2 : 1;
    this.values = type.dtype === "text"
      ? new Array<string>(length).fill("")
      : new ARRAYS[type.dtype](length * this.#width);
  }

  /** `length` elements from flat position `start`, which must be inside. */
  slice(start: number, length: number): Values {
    const from = (start - this.start) * this.#width, to = from + length * this.#width;
    return Array.isArray(this.values) ? this.values.slice(from, to) : this.values.subarray(from, to);
  }

  /** Puts elements at flat position `start`. */
  put(start: number, part: Values): void {
    const at = (start - this.start) * this.#width;
    if (Array.isArray(this.values)) {
      for (const [i, text] of (part as string[]).entries()) this.values[at + i] = text;
    } else copy(part as NumericArray, this.values, at);
  }

  /**
   * Puts the part of a chunk that lies inside the band's box; both are given by their first index.
   * A chunk at the end of an axis is stored whole and may stick out.
   */
  putChunk(box: Box, chunkOffset: number[], chunkShape: number[], chunk: DecodedChunk, fill: Scalar): void {
    const rank = chunkShape.length;
    const from = chunkOffset.map((n, i) => Math.max(n, box.offset[i] ?? 0));
    const to = chunkOffset.map((n, i) =>
      Math.min(n + (chunkShape[i] ?? 1), (box.offset[i] ?? 0) + (box.count[i] ?? 1))
    );
    const lastCount = rank === 0 ? 1 : (to[rank - 1] ?? 1) - (from[rank - 1] ?? 0);
    const lastStride = rank === 0 ? 1 : chunk.stride[rank - 1] ?? 1;
    const source = elementsOf(chunk, fill, this.#width);
    const walk = (axis: number, src: number, dst: number): void => {
      if (axis >= rank - 1) return source(this.values, src, lastStride, dst, lastCount);
      const step = chunk.stride[axis] ?? 1;
      const boxStep = box.count.slice(axis + 1).reduce((a, b) => a * b, 1);
      for (let i = from[axis] ?? 0, n = to[axis] ?? 0; i < n; i++) {
        walk(axis + 1, src + (i - (from[axis] ?? 0)) * step, dst + (i - (from[axis] ?? 0)) * boxStep);
      }
    };
    const flat = (index: number[], origin: number[], strides: (axis: number) => number) =>
      index.reduce((sum, n, axis) => sum + (n - (origin[axis] ?? 0)) * strides(axis), 0);
    walk(
      0,
      flat(from, chunkOffset, (axis) => chunk.stride[axis] ?? 1),
      flat(from, box.offset, (axis) => box.count.slice(axis + 1).reduce((a, b) => a * b, 1)),
    );
  }
}

/** Copies `count` elements with a stride from a chunk to `target`; positions count elements, not floats. */
type Copier = (target: Values, src: number, stride: number, dst: number, count: number) => void;

function elementsOf({ data, missing }: DecodedChunk, fill: Scalar, width: number): Copier {
  if (missing && Array.isArray(fill)) {
    const [re, im] = fill;
    return (target, _src, _stride, dst, count) => {
      for (let i = 2 * dst; i < 2 * (dst + count); i += 2) {
        target[i] = re;
        target[i + 1] = im;
      }
    };
  }
  if (Array.isArray(data)) {
    return (target, src, stride, dst, count) => {
      for (let i = 0; i < count; i++) target[dst + i] = data[src + i * stride] ?? "";
    };
  }
  return (target, src, stride, dst, count) => {
    if (Array.isArray(target)) return;
    if (stride === 1) return copy(data.subarray(src * width, (src + count) * width), target, dst * width);
    for (let i = 0; i < count; i++) {
      for (let part = 0; part < width; part++) {
        target[(dst + i) * width + part] = data[(src + i * stride) * width + part] ?? 0;
      }
    }
  };
}

function copy(source: ArrayLike<number> | ArrayLike<bigint>, target: NumericArray, at: number): void {
  target.set(source as ArrayLike<number> & ArrayLike<bigint>, at);
}
