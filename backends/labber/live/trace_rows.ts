/** The traces of one channel as they are measured: `/Traces/<channel>`, with their lengths and axes. */
import type { LiveHdf5Dataset, LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import { type Channel, type Log, memberPath } from "../log_layout.ts";
import { entriesIn, type EntryExtent, extentOf, readEntries } from "./entry_reader.ts";
import { NumberList } from "./number_list.ts";

/** Samples of traces that follow each other. */
export interface TraceBlock {
  /** First trace. */
  from: number;
  count: number;
  /** Sample after sample, trace after trace; complex numbers as pairs. */
  values: Float64Array;
}

/** Extent and axes of all traces. */
export interface TraceHead {
  extent: EntryExtent;
  /** Samples of each trace, or of all. */
  lengths: Float64Array;
  /** (start, step) of the axis of each trace, or of all. */
  pairs: Float64Array;
}

export interface RawTraces {
  head: TraceHead;
  /** Traces `from` to `to`. */
  from: number;
  to: number;
  columns: Float64Array[];
  /** Further traces are there. */
  more: boolean;
}

function lengthOf({ extent: { inner }, lengths }: TraceHead): number {
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  return lengths.length > 0 ? Math.min(inner, longest) : inner;
}

export class TraceRows {
  readonly dtype: "f8" | "c16";
  readonly x: Channel;
  /** Traces that were read. */
  count = 0;
  readonly #isComplex: boolean;
  #head: TraceHead;
  /** The axis of the first trace; null when another one has another axis. */
  #shared: Float64Array | null | undefined;
  /** The last trace as it was seen. */
  #tail: Float64Array | undefined;
  /** Axis values that were stored with the samples. */
  readonly #explicit = new NumberList();

  constructor(
    readonly file: LiveHdf5File,
    readonly log: Log,
    readonly channel: Channel,
    readonly dataset: LiveHdf5Dataset,
  ) {
    const text = (name: string) => {
      const values = dataset.attribute(name)?.values;
      return Array.isArray(values) && typeof values[0] === "string" ? values[0] : "";
    };
    const complex = dataset.attribute("complex")?.values;
    this.x = { name: text("x, name"), unit: text("x, unit") };
    this.#head = this.look();
    this.#isComplex = ArrayBuffer.isView(complex) && Number((complex as Float64Array)[0]) === 1;
    this.dtype = this.#isComplex && this.#head.extent.columns >= 2 ? "c16" : "f8";
  }

  /** Samples of each trace, with padding when they differ. */
  get length(): number {
    return lengthOf(this.#head);
  }

  /** The axis that all traces share; null when they differ in it or in length. */
  get sharedAxis(): Float64Array | null {
    const { lengths } = this.#head;
    const isRagged = lengths.some((n) => n !== lengths[0]);
    return this.count === 0 || isRagged ? null : this.#shared ?? null;
  }

  /** What the file holds now; to be called inside of a consistent reading, like `read`. */
  look(): TraceHead {
    this.dataset.refresh();
    const path = memberPath(this.log, "Traces", this.channel.name);
    return {
      extent: extentOf(this.dataset),
      lengths: this.#numbers(`${path}_N`),
      pairs: this.#numbers(`${path}_t0dt`),
    };
  }

  /**
   * Reads traces up to `end`, and the last one again. Nothing is taken over yet.
   * @param bytes to be read at most, but one trace
   */
  read(head: TraceHead, bytes: number, end: number): RawTraces {
    const { extent } = head, most = Math.min(extent.entries, end);
    const from = Math.min(most, Math.max(0, this.count - 1));
    const to = Math.min(most, from + entriesIn(bytes, extent));
    return {
      head,
      from,
      to,
      columns: readEntries(this.dataset, extent, from, to, lengthOf(head)),
      more: to < most,
    };
  }

  /**
   * Takes over what was read.
   * @returns undefined when earlier samples lie elsewhere now
   */
  take({ head, from, to, columns }: RawTraces): TraceBlock | undefined {
    if (this.count > 0 && !this.#continues(head)) return undefined;
    this.#head = head;
    const { length } = this, step = length * (this.dtype === "c16" ? 2 : 1);
    const explicit = columns[this.#isComplex ? 2 : 1];
    const values = (this.dtype === "c16" ? interleaved(columns[0], columns[1]) : columns[0]) ??
      new Float64Array(0);
    if (to <= from) return { from, count: 0, values };
    const known = this.count - from;
    if (explicit) this.#explicit.append(explicit.subarray(known * length));
    for (let trace = this.count; trace < to; trace++) this.#compareAxis(trace, length);
    const isSame = known > 0 && values.subarray(0, step).every((v, i) => Object.is(v, this.#tail?.[i]));
    this.#tail = values.slice((to - 1 - from) * step);
    this.count = to;
    const skipped = isSame ? 1 : 0;
    return { from: from + skipped, count: to - from - skipped, values: values.subarray(skipped * step) };
  }

  #continues({ extent, lengths, pairs }: TraceHead): boolean {
    const known = this.#head;
    // One axis for all that becomes one for each changes those of traces that were read.
    const isForeign = pairs.length !== known.pairs.length && known.pairs.length >> 1 < this.count;
    return !isForeign && known.pairs.every((v, i) => Object.is(v, pairs[i])) &&
      lengthOf({ extent, lengths, pairs }) === this.length && extent.columns === known.extent.columns &&
      extent.entries >= this.count;
  }

  #numbers(path: string): Float64Array {
    if (!this.file.has(path)) return new Float64Array(0);
    const dataset = this.file.dataset(path);
    if (dataset.dtype === undefined || dataset.dtype === "text") return new Float64Array(0);
    const values = dataset.read(dataset.shape.map(() => 0), dataset.shape);
    return Float64Array.from(values as ArrayLike<number | bigint>, Number);
  }

  #compareAxis(trace: number, length: number): void {
    const axis = this.axis(trace, length);
    if (this.#shared === undefined) this.#shared = axis;
    else if (this.#shared && axis.some((value, i) => value !== this.#shared?.[i])) this.#shared = null;
  }

  /** Axis values of one trace that was read (as `axisReader`). */
  axis(trace: number, length = this.length): Float64Array {
    const { pairs } = this.#head;
    const row = 2 * Math.min(trace, (pairs.length >> 1) - 1);
    const hasExplicit = this.#explicit.length > 0;
    const t0 = pairs[row] ?? 0, dt = pairs[row + 1] ?? (hasExplicit ? 0 : 1);
    if (hasExplicit && t0 === 0 && dt === 0) {
      return Float64Array.from({ length }, (_, i) => this.#explicit.at(trace * length + i));
    }
    return Float64Array.from({ length }, (_, i) => t0 + dt * i);
  }
}

function interleaved(real: Float64Array | undefined, imaginary: Float64Array | undefined) {
  if (!real || !imaginary) return real;
  const out = new Float64Array(2 * real.length);
  for (let i = 0; i < real.length; i++) {
    out[2 * i] = real[i] ?? NaN;
    out[2 * i + 1] = imaginary[i] ?? NaN;
  }
  return out;
}
