/**
 * Labelled arrays: named dimensions, coordinates and attributes, the model of xarray and netCDF.
 * Values are held in memory or produced in slabs, so that a run of any size is written with bounded memory.
 */

/** Stored type; `c16` = complex of two f8 (values interleaved: re, im, re, im …), `text` = UTF-8 strings. */
export type Dtype =
  | "f4"
  | "f8"
  | "i1"
  | "i2"
  | "i4"
  | "i8"
  | "u1"
  | "u2"
  | "u4"
  | "u8"
  | "bool"
  | "c8"
  | "c16"
  | "text";

export type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Flat values in C order: `i8`/`u8` as BigInt arrays, `bool` as Uint8Array of 0/1, complex interleaved. */
export type Values = NumericArray | string[];

/**
 * Produces `length` elements from flat C-order position `start`; called with rising, contiguous ranges.
 * May answer later, since some formats (Zarr) are only decoded asynchronously. What it gives is used up before the next
 * call, so it may use the same memory again.
 */
export type SlabSource = (start: number, length: number) => Values | Promise<Values>;

/** Attribute values that netCDF can hold: text, list of text, number, integer, list of numbers. */
export type AttrValue = string | number | bigint | boolean | string[] | NumericArray;
export type Attributes = Record<string, AttrValue>;

export interface LabelledArray {
  name: string;
  dims: string[];
  shape: number[];
  dtype: Dtype;
  data: Values | SlabSource;
  attrs: Attributes;
  /** Coordinates are written before data variables; one whose only dim has its own name is an index (dimension scale). */
  role: "coordinate" | "data";
}

/** A set of labelled arrays that share dimensions; `groups` become netCDF-4 groups. */
export interface LabelledDataset {
  arrays: LabelledArray[];
  attrs: Attributes;
  groups?: Record<string, LabelledDataset>;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
