/** Columns of values of any length: in memory while small, else in a scratch file; text stays in memory. */
import type { Dtype, NumericArray, Values } from "../labelled.ts";
import { allocate, componentsOf, convert, itemBytes, type NumericDtype, promote, viewOf } from "./dtypes.ts";
import type { Scratch, ScratchFile } from "./scratch.ts";

/** A finished column that can be read in any order. */
export interface Column {
  readonly dtype: Dtype;
  /** Number of elements. */
  readonly length: number;
  /**
   * Elements `start` to `start + length`; complex interleaved. The caller does not change them, and copies what it
   * keeps: they may be overwritten by the next read.
   */
  read(start: number, length: number): Values;
}

/** Elements handled at a time when a whole column is passed through. */
export const CHUNK = 1 << 16;

/** A column of values that are in memory already. */
export function columnOf(dtype: Dtype, values: Values): Column {
  const n = componentsOf(dtype);
  return {
    dtype,
    length: values.length / n,
    read: (start, length) =>
      start === 0 && length * n === values.length
        ? values
        : (values instanceof Array
          ? values.slice(start, start + length)
          : values.subarray(start * n, (start + length) * n)),
  };
}

/** The chunks of a column in order. */
export function* chunksOf(column: Column): Generator<{ start: number; values: Values }, void, undefined> {
  for (let start = 0; start < column.length; start += CHUNK) {
    yield { start, values: column.read(start, Math.min(CHUNK, column.length - start)) };
  }
}

/** Bytes of a numeric column kept in memory before it moves to a file. */
const IN_MEMORY = 1 << 20;

/** Collects a column; its type widens by NumPy's rules when values of another type are appended. */
export class ColumnWriter implements Column {
  #dtype: Dtype | null = null;
  #length = 0;
  #texts: string[] = [];
  readonly #textPool = new Map<string, string>();
  /** The elements after those in the file. */
  #tail: NumericArray = new Float64Array(0);
  #tailLength = 0;
  #file: ScratchFile | null = null;
  /** Reused, because garbage of this size is collected late. */
  #buffer = new Uint8Array(0);

  constructor(readonly scratch: Scratch) {}

  /** `f8` while empty, like an empty NumPy array. */
  get dtype(): Dtype {
    return this.#dtype ?? "f8";
  }

  get length(): number {
    return this.#length;
  }

  append(dtype: Dtype, values: Values): void {
    if (values.length === 0) return;
    const target = this.#dtype === null ? dtype : promote(this.#dtype, dtype);
    if (target !== this.#dtype) this.#become(target);
    if (target === "text") {
      for (let i = 0; i < values.length; i++) this.#texts.push(this.#pooled(String(values[i])));
      this.#length = this.#texts.length;
      return;
    }
    this.#appendNumbers(target, convert(values as NumericArray, dtype as NumericDtype, target));
  }

  /** Measured text repeats; one copy of each is kept as long as there are few. */
  #pooled(text: string): string {
    const known = this.#textPool.get(text);
    if (known !== undefined) return known;
    if (this.#textPool.size < 10_000) this.#textPool.set(text, text);
    return text;
  }

  #appendNumbers(dtype: NumericDtype, values: NumericArray): void {
    const n = componentsOf(dtype);
    const needed = this.#tailLength + values.length;
    if (needed > this.#tail.length) {
      if (needed * this.#tail.BYTES_PER_ELEMENT > IN_MEMORY) {
        this.#flush();
        if (values.byteLength > IN_MEMORY) {
          this.#file?.append(bytesOf(values));
          this.#length += values.length / n;
          return;
        }
      }
    }
    // A tail that was just written to the file is used again as it is: it must not grow with the column.
    if (this.#tailLength + values.length > this.#tail.length) {
      const capacity = Math.max(1024, 2 * this.#tail.length, this.#tailLength + values.length);
      const grown = allocate(dtype, Math.ceil(capacity / n));
      grown.set(this.#tail.subarray(0, this.#tailLength) as never);
      this.#tail = grown;
    }
    this.#tail.set(values as never, this.#tailLength);
    this.#tailLength += values.length;
    this.#length += values.length / n;
  }

  #flush(): void {
    this.#file ??= this.scratch.create();
    this.#file.append(bytesOf(this.#tail.subarray(0, this.#tailLength)));
    this.#tailLength = 0;
  }

  /** Rewrites what is there in a wider type. */
  #become(target: Dtype): void {
    const before = this.#dtype;
    if (before === null || this.#length === 0) {
      this.#dtype = target;
      if (target !== "text") this.#tail = allocate(target, 0);
      return;
    }
    const old: Column = { dtype: before, length: this.#length, read: this.read.bind(this) };
    const wider = new ColumnWriter(this.scratch);
    wider.#dtype = target;
    if (target !== "text") wider.#tail = allocate(target, 0);
    for (const { values } of chunksOf(old)) wider.append(before, values);
    this.#dtype = target;
    this.#texts = wider.#texts;
    this.#tail = wider.#tail;
    this.#tailLength = wider.#tailLength;
    this.#file = wider.#file;
  }

  read(start: number, length: number): Values {
    const dtype = this.dtype;
    if (dtype === "text") {
      return start === 0 && length === this.#length ? this.#texts : this.#texts.slice(start, start + length);
    }
    const n = componentsOf(dtype);
    const inFile = this.#file ? this.#file.size / itemBytes(dtype) : 0;
    const tail = this.#tail.subarray(
      Math.max(0, start - inFile) * n,
      Math.max(0, start + length - inFile) * n,
    );
    if (start >= inFile || !this.#file) return tail;
    const bytes = length * itemBytes(dtype);
    if (this.#buffer.length < bytes) this.#buffer = new Uint8Array(bytes);
    const values = viewOf(dtype, this.#buffer.subarray(0, bytes));
    const stored = Math.min(length, inFile - start);
    this.#file.read(start * itemBytes(dtype), this.#buffer.subarray(0, stored * itemBytes(dtype)));
    values.set(tail as never, stored * n);
    return values;
  }
}

function bytesOf(values: NumericArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
