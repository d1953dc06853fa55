/** The cells of one live variable as a subscriber knows them: values, which of them were written, and how often. */
import type { LiveExtent, LivePatch, LiveValues, LiveVariable } from "../src/kit/live.ts";
import { sizeOf } from "../src/kit/labelled.ts";

export type LiveCell = number | bigint | string;

export class LiveCells {
  /** True extent per axis. */
  shape: number[];
  /** Extent that there is room for: it doubles, so that growing point by point stays cheap. */
  #room: number[];
  #values: LiveCell[];
  #writes: Uint32Array;

  constructor(readonly variable: LiveVariable) {
    const { name, dims, shape } = variable;
    if (shape.length !== dims.length) throw new Error(`${name} has dims ${dims} but shape ${shape}`);
    requireCounts(name, "shape", shape);
    this.shape = [...shape];
    this.#room = [...shape];
    this.#values = [];
    this.#writes = new Uint32Array(sizeOf(shape));
  }

  /** Numbers that make up one cell. */
  get #parts(): 1 | 2 {
    return this.variable.dtype === "c16" ? 2 : 1;
  }

  /** @throws Error if the patch does not fit the variable */
  write({ offset, shape, values }: LivePatch): void {
    const { name } = this.variable;
    requireCounts(name, "offset", offset, this.shape.length);
    requireCounts(name, "shape", shape, this.shape.length);
    requireDtype(this.variable, values);
    const cells = sizeOf(shape);
    if (cells === 0) throw new Error(`a patch of ${name} holds no cell: shape ${shape}`);
    if (values.length !== cells * this.#parts) {
      throw new Error(`a patch of ${name} holds ${values.length} values for shape ${shape}`);
    }
    const reach = shape.map((n, axis) => offset[axis]! + n);
    this.#grow(reach);
    for (let k = 0; k < cells; k++) {
      const at = place(k, shape, offset, this.#room);
      this.#writes[at]!++;
      for (let part = 0; part < this.#parts; part++) {
        this.#values[at * this.#parts + part] = values[k * this.#parts + part]!;
      }
    }
  }

  /** What lies outside of a smaller extent is forgotten. */
  resize({ shape }: LiveExtent): void {
    requireCounts(this.variable.name, "extent", shape, this.shape.length);
    this.#grow(shape);
    for (let at = 0; at < this.#writes.length; at++) {
      if (indexOf(at, this.#room).some((i, axis) => i >= shape[axis]!)) this.#writes[at] = 0;
    }
    this.shape = [...shape];
  }

  /** Values of the extent, flat in C order, complex as pairs; NaN (text: "") where nothing was written. */
  values(): LiveCell[] {
    const nothing = this.variable.dtype === "text" ? "" : NaN;
    return this.#places().flatMap((at) =>
      Array.from(
        { length: this.#parts },
        (_, part) => this.#writes[at] ? this.#values[at * this.#parts + part]! : nothing,
      )
    );
  }

  /** How often each cell of the extent was written, flat in C order. */
  writes(): number[] {
    return this.#places().map((at) => this.#writes[at]!);
  }

  #places(): number[] {
    const origin = this.shape.map(() => 0);
    return Array.from({ length: sizeOf(this.shape) }, (_, k) => place(k, this.shape, origin, this.#room));
  }

  #grow(reach: number[]): void {
    this.shape = this.shape.map((n, axis) => Math.max(n, reach[axis]!));
    if (this.shape.every((n, axis) => n <= this.#room[axis]!)) return;
    const old = { room: this.#room, values: this.#values, writes: this.#writes };
    this.#room = this.shape.map((n, axis) => n <= old.room[axis]! ? old.room[axis]! : Math.max(8, 2 * n));
    this.#values = [];
    this.#writes = new Uint32Array(sizeOf(this.#room));
    const origin = this.shape.map(() => 0);
    for (let from = 0; from < old.writes.length; from++) {
      if (!old.writes[from]) continue;
      const to = place(from, old.room, origin, this.#room);
      this.#writes[to] = old.writes[from]!;
      for (let part = 0; part < this.#parts; part++) {
        this.#values[to * this.#parts + part] = old.values[from * this.#parts + part]!;
      }
    }
  }
}

/** Position per axis of the `k`th cell, in C order, of a block. */
function indexOf(k: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = k % shape[axis]!;
    k = Math.floor(k / shape[axis]!);
  }
  return index;
}

/** Flat place, in an array of shape `room`, of the `k`th cell of a block of `shape` at `offset`. */
function place(
  k: number,
  shape: readonly number[],
  offset: readonly number[],
  room: readonly number[],
): number {
  let [at, stride] = [0, 1];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at += (offset[axis]! + k % shape[axis]!) * stride;
    k = Math.floor(k / shape[axis]!);
    stride *= room[axis]!;
  }
  return at;
}

function requireCounts(name: string, what: string, counts: number[], axes = counts.length): void {
  if (counts.length !== axes) throw new Error(`${what} ${counts} of ${name} does not name ${axes} axes`);
  if (!counts.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new Error(`${what} ${counts} of ${name} is no list of whole numbers`);
  }
}

function requireDtype({ name, dtype }: LiveVariable, values: LiveValues): void {
  const fits = dtype === "text"
    ? Array.isArray(values) && values.every((v) => typeof v === "string")
    : dtype === "i8"
    ? values instanceof BigInt64Array
    : values instanceof Float64Array;
  if (!fits) throw new Error(`a patch of ${name} (${dtype}) comes as ${values.constructor.name}`);
}
