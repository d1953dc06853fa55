/** Values in the types of a live stream, and which of them stand for "not measured". */
import type { LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import { type Dtype, sizeOf, type Values } from "../../../src/kit/labelled.ts";

/** The type in which values of a stored type are sent. */
export function liveDtype(dtype: Dtype): LiveDtype {
  if (dtype === "text") return "text";
  if (dtype === "c8" || dtype === "c16") return "c16";
  return dtype === "f4" || dtype === "f8" ? "f8" : "i8";
}

/** Values in the type in which they are sent; the same array where that is their own. */
export function liveValues(values: Values, dtype: LiveDtype): LiveValues {
  if (dtype === "text") return values as string[];
  if (dtype === "i8") {
    return values instanceof BigInt64Array
      ? values
      : BigInt64Array.from(values as ArrayLike<number | bigint>, (v) => BigInt.asIntN(64, BigInt(v)));
  }
  return values instanceof Float64Array ? values : Float64Array.from(values as ArrayLike<number>);
}

/** An array of `length` cells that were never measured. */
export function blank(dtype: LiveDtype, length: number): LiveValues {
  if (dtype === "text") return new Array<string>(length).fill("");
  if (dtype === "i8") return new BigInt64Array(length);
  return new Float64Array(length * widthOf(dtype)).fill(NaN);
}

/** Numbers of one cell. */
export function widthOf(dtype: LiveDtype): 1 | 2 {
  return dtype === "c16" ? 2 : 1;
}

/** Cells `from` to `to`, a view where the type has one. */
export function cut(values: LiveValues, dtype: LiveDtype, from: number, to: number): LiveValues {
  const n = widthOf(dtype);
  return Array.isArray(values) ? values.slice(from, to) : values.subarray(from * n, to * n);
}

/** The cells at rising positions of `rows` of `width` cells each, one after the other. */
export function gather(
  values: LiveValues,
  dtype: LiveDtype,
  positions: ArrayLike<number>,
  rows: readonly number[],
  shape: readonly number[],
): LiveValues {
  const width = shape.at(-1) ?? 1, n = widthOf(dtype);
  const out = dtype === "text" ? [] : blank(dtype, sizeOf(shape));
  const from = values as { [index: number]: number }, to = out as { [index: number]: number };
  let at = 0;
  for (const row of rows) {
    for (let k = 0; k < width; k++) {
      const cell = positions[row + k] ?? 0;
      for (let c = 0; c < n; c++) to[at++] = from[cell * n + c] as number;
    }
  }
  return out;
}

/** The bits of a double as two words, low one first. */
type Words = readonly [number, number];
/** numpy.nan, with which Quantify fills. */
const NUMPY_NAN: Words = [0, 0x7ff80000];

/** Tells the cells of one variable that still hold what it was filled with. */
export class FillPattern {
  readonly #patterns: Words[] = [NUMPY_NAN];

  constructor(readonly dtype: LiveDtype) {}

  /** Takes the last cell of a new file for a sample: NaN of another pattern is what its writer fills with. */
  learn(lastCell: LiveValues): void {
    if (!(lastCell instanceof Float64Array) || !Number.isNaN(lastCell[0])) return;
    const words = wordsOf(lastCell);
    this.#patterns.push([words[0] ?? 0, words[1] ?? 0]);
  }

  /** Whether cell `i` of the values holds the fill pattern. @param words the same values, see {@link wordsOf} */
  holds(values: LiveValues, words: Int32Array, i: number): boolean {
    if (this.dtype === "text") return values[i] === "";
    if (this.dtype === "i8") return false;
    const at = i * widthOf(this.dtype);
    if (!this.#isFill(words, at)) return false;
    return this.dtype === "f8" || values[at + 1] === 0 || this.#isFill(words, at + 1);
  }

  #isFill(words: Int32Array, number: number): boolean {
    const low = words[2 * number], high = words[2 * number + 1];
    return this.#patterns.some((p) => p[0] === low && p[1] === high);
  }
}

const NO_WORDS = new Int32Array(0);

/** The bits of the numbers, two words each; none of text. */
export function wordsOf(values: LiveValues): Int32Array {
  return Array.isArray(values)
    ? NO_WORDS
    : new Int32Array(values.buffer, values.byteOffset, values.byteLength / Int32Array.BYTES_PER_ELEMENT);
}
