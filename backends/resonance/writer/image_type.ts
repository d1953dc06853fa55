/** The images that can be written, and what their types are called in NumPy and Zarr. */
import { stateError } from "./errors.ts";

export type ImageData =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float16Array
  | Float32Array
  | Float64Array;

/** A frame: flat values in C order (the last index runs fastest), and [rows, columns]. */
export interface Image {
  data: ImageData;
  shape: readonly number[];
  /** Where given, it must say what C order is: elements from one row and column to the next. */
  strides?: readonly number[];
}

/** NumPy's letter code by typed array. */
const CODES: Record<string, string> = {
  Int8Array: "i1",
  Uint8Array: "u1",
  Uint8ClampedArray: "u1",
  Int16Array: "i2",
  Uint16Array: "u2",
  Int32Array: "i4",
  Uint32Array: "u4",
  BigInt64Array: "i8",
  BigUint64Array: "u8",
  Float16Array: "f2",
  Float32Array: "f4",
  Float64Array: "f8",
};
const KINDS: Record<string, string> = { i: "int", u: "uint", f: "float" };

export interface ImageType {
  rows: number;
  columns: number;
  /** NumPy's letter code, for example `u2`. */
  code: string;
  /** NumPy's name, for example `uint16`. */
  dtype: string;
  itemBytes: number;
}

/**
 * Shape and type of an image.
 * @throws WriterStateError `image_rank`, `image_shape`, `image_dtype`, `image_order`
 */
export function imageType({ data, shape, strides }: Image): ImageType {
  const code = CODES[data?.constructor?.name ?? ""];
  if (code === undefined || !ArrayBuffer.isView(data)) {
    throw stateError(
      "image_dtype",
      "an image's data are a typed array of integers or floats",
      "Give a typed array.",
    );
  }
  const [rows, columns, ...more] = Array.isArray(shape) ? shape as number[] : [];
  if (rows === undefined || columns === undefined || more.length > 0) {
    throw stateError(
      "image_rank",
      `an image has rows and columns, not ${shape?.length ?? 0} dimensions`,
      "Write a cube frame by frame.",
    );
  }
  const isExtent = (n: number) => Number.isSafeInteger(n) && n >= 0;
  if (!isExtent(rows) || !isExtent(columns) || data.length !== rows * columns) {
    throw stateError(
      "image_shape",
      `${data.length} values are no image of ${rows} × ${columns}`,
      "Give as many values as rows × columns.",
    );
  }
  if (strides && rows * columns > 1 && !(strides.length === 2 && isCOrder(strides, rows, columns))) {
    throw stateError(
      "image_order",
      "the values are not in C order",
      "Copy the image so that a row's values follow each other.",
    );
  }
  const itemBytes = data.BYTES_PER_ELEMENT;
  return { rows, columns, code, dtype: `${KINDS[code[0] ?? ""]}${8 * itemBytes}`, itemBytes };
}

/** Strides along an axis of one index say nothing. */
function isCOrder([down, right]: readonly number[], rows: number, columns: number): boolean {
  return (rows < 2 || down === columns) && (columns < 2 || right === 1);
}
