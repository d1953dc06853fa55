/** Values in the form of the stream, cell by cell. */
import type { Hdf5Values } from "../../../src/kit/hdf5/decode.ts";
import type { Dtype } from "../../../src/kit/labelled.ts";
import type { LiveDtype, LiveValues } from "../../../src/kit/live.ts";

/** How the stream holds a stored type; unsigned 64-bit integers, of which it has none, as floats. */
export function liveDtype(dtype: Dtype): LiveDtype {
  switch (dtype) {
    case "text":
      return "text";
    case "c8":
    case "c16":
      return "c16";
    case "f4":
    case "f8":
    case "u8":
      return "f8";
    default:
      return "i8";
  }
}

/** Numbers per cell. */
export function widthOf(dtype: LiveDtype): number {
  return dtype === "c16" ? 2 : 1;
}

/** @throws TypeError when the values are of no such type */
export function liveValues(values: Hdf5Values, dtype: LiveDtype): LiveValues {
  if (Array.isArray(values)) {
    if (dtype !== "text") throw new TypeError("texts where numbers are expected");
    return values.map((text) => typeof text === "string" ? text : "");
  }
  if (!ArrayBuffer.isView(values)) throw new TypeError("compounds where numbers are expected");
  if (dtype === "i8") {
    return values instanceof BigInt64Array
      ? values
      : BigInt64Array.from(Array.from<number | bigint, bigint>(values, BigInt));
  }
  return values instanceof Float64Array
    ? values
    : Float64Array.from(Array.from<number | bigint, number>(values, Number));
}

export function noValues(dtype: LiveDtype): LiveValues {
  return dtype === "text" ? [] : dtype === "i8" ? new BigInt64Array(0) : new Float64Array(0);
}

/** Whether two cells hold the same; NaN is the same as NaN. */
export function sameCell(a: LiveValues, i: number, b: LiveValues, j: number, width: number): boolean {
  for (let k = 0; k < width; k++) {
    const x = a[i * width + k], y = b[j * width + k];
    if (x !== y && (x === x || y === y)) return false;
  }
  return true;
}

/** Cells `from` to `to`, as a copy. */
export function cellRange(values: LiveValues, from: number, to: number, width: number): LiveValues {
  return values.slice(from * width, to * width);
}
