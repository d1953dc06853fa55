/** Facts about stored types: element sizes, typed arrays, promotion by NumPy's rules, what stands for a missing value. */
import type { Dtype, NumericArray } from "../labelled.ts";

export type NumericDtype = Exclude<Dtype, "text">;

const CONSTRUCTORS = {
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
} as const;

/** Numbers that one element consists of: 2 for complex, else 1. */
export function componentsOf(dtype: Dtype): 1 | 2 {
  return dtype === "c8" || dtype === "c16" ? 2 : 1;
}

/** Bytes of one element of a numeric type. */
export function itemBytes(dtype: NumericDtype): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT * componentsOf(dtype);
}

/** A zeroed array for `length` elements. */
export function allocate(dtype: NumericDtype, length: number): NumericArray {
  return new CONSTRUCTORS[dtype](length * componentsOf(dtype));
}

/** Views whole elements inside a buffer. */
export function viewOf(dtype: NumericDtype, bytes: Uint8Array<ArrayBuffer>): NumericArray {
  const array = CONSTRUCTORS[dtype];
  return new array(bytes.buffer, bytes.byteOffset, bytes.byteLength / array.BYTES_PER_ELEMENT);
}

const isBig = (dtype: Dtype) => dtype === "i8" || dtype === "u8";

/** Converts elements to another numeric type that can hold them. */
export function convert(values: NumericArray, from: NumericDtype, to: NumericDtype): NumericArray {
  if (from === to) return values;
  const step = componentsOf(to) / componentsOf(from);
  const out = allocate(to, values.length / componentsOf(from));
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number | bigint;
    (out as { [index: number]: number | bigint })[i * step] = isBig(to) ? BigInt(value) : Number(value);
  }
  return out;
}

const KIND: Record<NumericDtype, "b" | "i" | "u" | "f" | "c"> = {
  bool: "b",
  i1: "i",
  i2: "i",
  i4: "i",
  i8: "i",
  u1: "u",
  u2: "u",
  u4: "u",
  u8: "u",
  f4: "f",
  f8: "f",
  c8: "c",
  c16: "c",
};

/** The type that holds both (numpy.promote_types). */
export function promote(a: Dtype, b: Dtype): Dtype {
  if (a === b) return a;
  if (a === "text" || b === "text") return "text";
  const rank = { b: 0, u: 1, i: 2, f: 3, c: 4 };
  const [low, high] = rank[KIND[a]] <= rank[KIND[b]] ? [a, b] : [b, a];
  const lowBytes = itemBytes(low), highBytes = itemBytes(high);
  switch (KIND[high]) {
    case "b":
    case "u":
      return lowBytes > highBytes ? low : high;
    case "i": {
      const needed = KIND[low] === "u" ? 2 * lowBytes : lowBytes;
      return needed > 8 ? "f8" : (`i${Math.max(needed, highBytes)}` as Dtype);
    }
    case "f":
      return highBytes >= floatBytes(low) ? high : "f8";
    case "c":
      return highBytes >= 2 * floatBytes(low) ? high : "c16";
  }
}

/** Bytes of the smallest float that keeps the precision of a type, as NumPy sees it. */
function floatBytes(dtype: NumericDtype): number {
  if (KIND[dtype] === "c") return itemBytes(dtype) / 2;
  if (KIND[dtype] === "f") return itemBytes(dtype);
  return itemBytes(dtype) <= 2 ? 4 : 8;
}

/** The type of an array with holes: integers become floats, as xarray does (xarray.core.dtypes.maybe_promote). */
export function withHoles(dtype: Dtype): Dtype {
  if (dtype === "text") return "text";
  const kind = KIND[dtype];
  return kind === "f" || kind === "c" ? dtype : itemBytes(dtype) <= 2 ? "f4" : "f8";
}
