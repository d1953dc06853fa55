/** Values of live variables: their types, and the parts of them. */
import type { LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import { type Dtype, type NumericArray, sizeOf, type Values } from "../../../src/kit/labelled.ts";
import type { Targets, ValueSink } from "../row_values.ts";

/** One value that can be compared and looked up; a complex one as text. */
export type Cell = number | bigint | string;

/** Type in which stored values go over the stream. Unsigned 64-bit integers are counts, which doubles hold. */
export function liveDtypeOf(dtype: Dtype): LiveDtype {
  if (dtype === "text") return "text";
  if (dtype === "c8" || dtype === "c16") return "c16";
  return dtype === "f4" || dtype === "f8" || dtype === "u8" ? "f8" : "i8";
}

const WIDER: readonly LiveDtype[] = ["i8", "f8", "c16", "text"];

/** The type that holds values of both. */
export function widest(a: LiveDtype, b: LiveDtype): LiveDtype {
  return WIDER.indexOf(a) > WIDER.indexOf(b) ? a : b;
}

const widthOf = (dtype: LiveDtype) => dtype === "c16" ? 2 : 1;

/** Elements `start` to `start + count`. */
export function sliceOf(values: LiveValues, dtype: LiveDtype, start: number, count: number): LiveValues {
  const n = widthOf(dtype);
  return start === 0 && count * n === values.length ? values : values.slice(start * n, (start + count) * n);
}

/** `count` elements from `start` on, every `step`-th. */
export function everyOf(
  values: LiveValues,
  dtype: LiveDtype,
  start: number,
  step: number,
  count: number,
): LiveValues {
  if (step === 1) return sliceOf(values, dtype, start, count);
  const n = widthOf(dtype);
  const out = values.slice(0, count * n);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < n; k++) out[i * n + k] = values[(start + i * step) * n + k] as never;
  }
  return out;
}

export function countOf(values: LiveValues, dtype: LiveDtype): number {
  return values.length / widthOf(dtype);
}

export function cellAt(values: LiveValues, dtype: LiveDtype, i: number): Cell {
  return dtype === "c16" ? `${values[2 * i]} ${values[2 * i + 1]}` : values[i] as Cell;
}

/** Equal values; NaN equals NaN. */
export function isSame(a: Cell | undefined, b: Cell | undefined): boolean {
  return a === b || Number.isNaN(a) && Number.isNaN(b);
}

/** Every value is larger than the one before. */
export function isRising(values: LiveValues, dtype: LiveDtype): boolean {
  if (dtype === "c16") return values.length <= 2;
  for (let i = 1; i < values.length; i++) {
    if (!((values[i - 1] as Cell) < (values[i] as Cell))) return false;
  }
  return true;
}

/** Values of one parameter as they are decoded. */
export class ValueBatch implements ValueSink {
  readonly #parts: { dtype: Dtype; values: Values }[] = [];
  #dtype: LiveDtype | null = null;

  /** null while there are none. */
  get dtype(): LiveDtype | null {
    return this.#dtype;
  }

  append(dtype: Dtype, values: Values): void {
    if (values.length === 0) return;
    const live = liveDtypeOf(dtype);
    this.#dtype = this.#dtype === null ? live : widest(this.#dtype, live);
    this.#parts.push({ dtype, values: values.slice() });
  }

  /** All values, in a type that is wide enough. */
  values(dtype: LiveDtype): LiveValues {
    const parts = this.#parts.map((part) => convert(part.values, liveDtypeOf(part.dtype), dtype));
    const [first] = parts;
    if (parts.length === 1 && first) return first;
    if (dtype === "text") return parts.flatMap((part) => Array.from(part, String));
    const length = parts.reduce((n, part) => n + part.length, 0);
    const all = dtype === "i8" ? new BigInt64Array(length) : new Float64Array(length);
    let at = 0;
    for (const part of parts) {
      all.set(part as never, at);
      at += part.length;
    }
    return all;
  }
}

function convert(values: Values, from: LiveDtype, to: LiveDtype): LiveValues {
  if (to === "text") return Array.from(values as ArrayLike<unknown>, String);
  if (to === "i8") {
    return values instanceof BigInt64Array
      ? values
      : BigInt64Array.from(values as Int32Array, (v) => BigInt(v));
  }
  const numbers = values instanceof Float64Array
    ? values
    : Float64Array.from({ length: values.length }, (_, i) => Number((values as NumericArray)[i]));
  if (to === from || to === "f8") return numbers;
  const pairs = new Float64Array(2 * numbers.length);
  for (let i = 0; i < numbers.length; i++) pairs[2 * i] = numbers[i] as number;
  return pairs;
}

/** New rows of one measured parameter. */
export interface TreeBatch {
  targets: Targets<ValueBatch>;
  /** Of every row with arrays: their shape. */
  shapes: number[][];
  points: number;
}

/** The shape of all rows of a batch, null where they have none in common. */
export function commonShape({ shapes }: TreeBatch): number[] | null {
  const [first] = shapes;
  if (!first || sizeOf(first) === 0) return null;
  const same = shapes.every((shape) =>
    shape.length === first.length && shape.every((n, k) => n === first[k])
  );
  return same ? first : null;
}
