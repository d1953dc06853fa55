/** A live measurement as arrays: what its events said so far. */
import { SyncError } from "../kit/errors.ts";
import { dataOf } from "../live/block_data.ts";
import { type Box, eachRun, end, sizeOf, stridesOf } from "../live/box.ts";
import type { Block, Ending, LiveEvent, LiveState, Structure, Variable } from "../live/live_event.ts";

/** Values in C order; complex as pairs of floats. */
export type LiveArray = Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> | string[];

/** One variable: its extent, its values, and which of them were measured. */
export class LiveCells {
  #shape: number[];
  /** Room for each axis, at least the extent. */
  #capacity: number[];
  #strides: number[];
  #words: Float64Array<ArrayBuffer>;
  #texts: string[];
  #written: Uint8Array<ArrayBuffer>;
  /** Floats of a cell. */
  readonly #width: number;

  constructor(readonly facts: Variable) {
    this.#shape = [...facts.shape];
    this.#capacity = [...facts.shape];
    this.#strides = stridesOf(this.#capacity);
    this.#width = facts.dtype === "c16" ? 2 : facts.dtype === "text" ? 0 : 1;
    const cells = sizeOf(this.#shape);
    this.#words = new Float64Array(cells * this.#width);
    this.#texts = [];
    this.#written = new Uint8Array(cells);
  }

  get shape(): readonly number[] {
    return this.#shape;
  }

  /** Number of measured cells. */
  get count(): number {
    return this.written().reduce((n, bit) => n + bit, 0);
  }

  /** 1 for each cell that was measured: NaN is a value like others. */
  written(): Uint8Array<ArrayBuffer> {
    const dense = new Uint8Array(sizeOf(this.#shape));
    this.#each(this.#shape, (cell, index, length) => {
      dense.set(this.#written.subarray(cell, cell + length), index);
    });
    return dense;
  }

  /** Values of the whole extent; what was not measured is 0 or "" here. */
  values(): LiveArray {
    const width = this.#width;
    if (width === 0) {
      const texts: string[] = [];
      this.#each(this.#shape, (cell, _index, length) => {
        for (let i = cell; i < cell + length; i++) texts.push(this.#texts[i] ?? "");
      });
      return texts;
    }
    const words = new Float64Array(sizeOf(this.#shape) * width);
    this.#each(this.#shape, (cell, index, length) => {
      words.set(this.#words.subarray(cell * width, (cell + length) * width), index * width);
    });
    return this.facts.dtype === "i8" ? new BigInt64Array(words.buffer) : words;
  }

  write(block: Block): void {
    const data = dataOf(block, this.facts.dtype);
    if (sizeOf(block.shape) === 0) return;
    if (this.#shape.some((length, axis) => end(block, axis) > length)) {
      this.#grow(this.#shape.map((length, axis) => Math.max(length, end(block, axis))));
    }
    const width = this.#width;
    const words = data instanceof Uint8Array ? wordsOf(data) : undefined;
    eachRun(block, this.#strides, (cell, index, length) => {
      if (words) this.#words.set(words.subarray(index * width, (index + length) * width), cell * width);
      else for (let i = 0; i < length; i++) this.#texts[cell + i] = String(data[index + i]);
      this.#written.fill(1, cell, cell + length);
    });
  }

  /** Cells outside of a smaller extent are forgotten. */
  resize(shape: readonly number[]): void {
    const [old, written] = [this.#shape, this.#written];
    const kept = old.map((length, axis) => Math.min(length, shape[axis] ?? 0));
    if (kept.some((length, axis) => length < (old[axis] ?? 0))) {
      this.#written = new Uint8Array(written.length);
      this.#each(kept, (cell, _index, length) => {
        this.#written.set(written.subarray(cell, cell + length), cell);
      });
      // What is not measured reads as 0 wherever it lies.
      const [words, texts, width] = [this.#words, this.#texts, this.#width];
      this.#words = new Float64Array(words.length);
      this.#texts = [];
      this.#each(kept, (cell, _index, length) => {
        this.#words.set(words.subarray(cell * width, (cell + length) * width), cell * width);
        if (width === 0) { for (let i = cell; i < cell + length; i++) this.#texts[i] = texts[i] ?? ""; }
      });
      this.#shape = kept;
    }
    this.#grow(shape);
  }

  #grow(shape: readonly number[]): void {
    if (shape.some((length, axis) => length > (this.#capacity[axis] ?? 0))) {
      const [old, words, texts, written] = [this.#capacity, this.#words, this.#texts, this.#written];
      this.#capacity = shape.map((length, axis) => {
        const room = old[axis] ?? 0;
        return length <= room ? room : Math.max(length, 2 * room);
      });
      this.#strides = stridesOf(this.#capacity);
      const cells = sizeOf(this.#capacity);
      this.#words = new Float64Array(cells * this.#width);
      this.#texts = [];
      this.#written = new Uint8Array(cells);
      const starts: number[] = [];
      this.#each(this.#shape, (cell) => starts.push(cell));
      let run = 0;
      eachRun(origin(this.#shape), stridesOf(old), (cell, _index, length) => {
        const to = starts[run++] ?? 0;
        const width = this.#width;
        this.#words.set(words.subarray(cell * width, (cell + length) * width), to * width);
        if (width === 0) { for (let i = 0; i < length; i++) this.#texts[to + i] = texts[cell + i] ?? ""; }
        this.#written.set(written.subarray(cell, cell + length), to);
      });
    }
    this.#shape = [...shape];
  }

  #each(shape: readonly number[], visit: (cell: number, index: number, length: number) => void): void {
    eachRun(origin(shape), this.#strides, visit);
  }
}

function origin(shape: readonly number[]): Box {
  return { offset: shape.map(() => 0), shape };
}

function wordsOf(bytes: Uint8Array): Float64Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}

/** Applies the events of one session. */
export class LiveModel {
  epoch = "";
  seq = 0;
  name = "";
  attrs: Structure["attrs"] = {};
  state: LiveState = "running";
  end: Ending | undefined;
  readonly variables = new Map<string, LiveCells>();

  /**
   * Events that are known already change nothing.
   * @throws SyncError `live_gap` when events are missing: subscribe again
   */
  apply(event: LiveEvent): void {
    if (event.type === "open" || event.type === "snapshot") {
      if (event.type === "open" && event.epoch === this.epoch && event.seq <= this.seq) return;
      this.#restructure(event);
      if (event.type === "snapshot") {
        this.state = event.state;
        for (const block of event.patches) this.#cells(block.var).write(block);
      }
      this.epoch = event.epoch;
      this.seq = event.seq;
      return;
    }
    const from = "seq_from" in event ? event.seq_from ?? event.seq : event.seq;
    const next = event.type === "heartbeat" ? this.seq : this.seq + 1;
    if (event.epoch !== this.epoch || from > next) {
      throw new SyncError("network", "live_gap", `events ${next} to ${from - 1} of the session are missing`, {
        hint: "Subscribe again without `after`.",
      });
    }
    if (event.type === "heartbeat" || event.seq < next) return;
    switch (event.type) {
      case "patch":
        this.#cells(event.var).write(event);
        break;
      case "extent":
        this.#cells(event.var).resize(event.shape);
        break;
      case "state":
        this.state = event.state;
        break;
      case "end":
        this.end = { reason: event.reason, evidence: event.evidence, complete: event.complete };
        break;
    }
    this.seq = event.seq;
  }

  #restructure({ name, attrs, variables }: Structure): void {
    this.name = name;
    this.attrs = attrs;
    this.state = "running";
    this.end = undefined;
    this.variables.clear();
    for (const facts of variables) this.variables.set(facts.name, new LiveCells(facts));
  }

  #cells(name: string): LiveCells {
    const cells = this.variables.get(name);
    if (!cells) throw new SyncError("internal", "live_gap", `the session has no variable ${name}`);
    return cells;
  }
}
