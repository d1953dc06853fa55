/** What the stream knows of one log, and what a new state of its file adds: in the arrays that the finished log has. */
import { cellBoxes } from "../../../src/kit/grid/cell_boxes.ts";
import type { Column } from "../../../src/kit/grid/column.ts";
import { Scratch } from "../../../src/kit/grid/scratch.ts";
import type { LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import { type Dtype, sizeOf } from "../../../src/kit/labelled.ts";
import type { LiveChange, LivePatch, LiveVariable } from "../../../src/kit/live.ts";
import { assemble, type AssembledArray } from "../assemble.ts";
import { type Log, memberPath } from "../log_layout.ts";
import type { Trace } from "../traces.ts";
import { type LogState, type PointBlock, PointRows, type RawPoints } from "./point_rows.ts";
import { type RawTraces, type TraceBlock, type TraceHead, TraceRows } from "./trace_rows.ts";

/** Bytes that one look reads of the points, and of each trace channel. */
const SLICE_BYTES = 1 << 20;

/** What is told of the log besides its values. */
export interface LogFacts {
  name: string;
  attrs: Record<string, unknown>;
}

/** What was read of a log at one look. */
export interface RawLog {
  points: RawPoints | undefined;
  /** By channel. */
  traces: RawTraces[];
  more: boolean;
}

/** What is new in it. */
interface Batch {
  points: PointBlock | undefined;
  /** By channel. */
  traces: TraceBlock[];
}

export class LogView {
  readonly #scratch: Scratch;
  #points: PointRows | undefined;
  #traces: TraceRows[] = [];
  /** Verdicts that no further point can change: the points are no grid; the traces of these channels do not fit it. */
  #isIrregular = false;
  readonly #byPoint = new Set<number>();
  /** Nothing was read of the log yet, or all is to be read anew. */
  #isStale = true;
  #signature: string | undefined;
  #shapes = new Map<string, number[]>();
  /** Values told of each array that only grows. */
  readonly #told = new Map<string, number>();
  #pending: LiveChange[] = [];

  /** @param folder private, for temporary files */
  constructor(readonly file: LiveHdf5File, readonly log: Log, readonly facts: LogFacts, folder: string) {
    this.#scratch = new Scratch(folder);
  }

  /** What was found and not told yet. */
  told(): LiveChange[] {
    return this.#pending.splice(0);
  }

  /**
   * Reads what is new; to be called inside of a consistent reading. Nothing is taken over yet.
   * @throws SyncError `hdf5_torn` (busy), `labber_layout` (data)
   */
  read({ completed }: LogState): RawLog {
    if (this.#isStale) this.#begin();
    const heads = this.#traces.map((rows) => rows.look());
    const stored = Math.max(0, ...heads.map(({ extent }) => extent.entries));
    const points = this.#points?.read(SLICE_BYTES, stored);
    // A trace may be there a moment before its point.
    const end = !points || completed && !points.more ? Infinity : points.points;
    const traces = this.#traces.map((rows, k) => rows.read(heads[k] as TraceHead, SLICE_BYTES, end));
    return { points, traces, more: points?.more === true || traces.some(({ more }) => more) };
  }

  /** Takes over what was read. @returns whether there is more to be read already */
  take(raw: RawLog, state: LogState): boolean {
    const isFirst = (this.#points?.points ?? 0) === 0 && this.#traces.every(({ count }) => count === 0);
    const points = raw.points && this.#points?.take(raw.points, state);
    const traces = this.#traces.map((rows, k) => rows.take(raw.traces[k] as RawTraces));
    const batch = { points, traces: traces.filter((block) => block !== undefined) };
    if (raw.points && !points || batch.traces.length < traces.length) return this.#restart();
    const arrays = this.#arrays();
    const signature = signatureOf(arrays);
    if (signature !== this.#signature) {
      if (!isFirst) return this.#restart();
      this.#open(arrays, signature);
    }
    this.#tell(arrays, batch);
    return raw.more;
  }

  /** Everything is read and told anew, with what is known of the arrangement. @returns that there is more to be read */
  #restart(): true {
    this.#isIrregular ||= (this.#points?.points ?? 0) > 0 && this.#axes() === null;
    this.#traces.forEach((rows, k) => {
      if (rows.count > 0 && this.#isByPoint(rows)) this.#byPoint.add(k);
    });
    this.#signature = undefined;
    this.#isStale = true;
    return true;
  }

  /** Inside of a consistent reading. */
  #begin(): void {
    const { file, log } = this;
    const data = memberPath(log, "Data", "Data");
    this.#points = file.has(data) ? new PointRows(file.dataset(data), log) : undefined;
    this.#traces = log.traces.map((channel) =>
      new TraceRows(file, log, channel, file.dataset(memberPath(log, "Traces", channel.name)))
    );
    this.#isStale = false;
  }

  get #pointCount(): number {
    return this.#points?.points ?? Math.max(0, ...this.#traces.map(({ count }) => count));
  }

  #axes(): Float64Array[] | null {
    if (this.#isIrregular) return null;
    if (this.log.setpoints.length === 0) return this.#pointCount === 1 ? [] : null;
    return this.#points?.grid.axes ?? null;
  }

  #isByPoint(rows: TraceRows): boolean {
    const axes = this.#axes();
    return rows.sharedAxis === null || axes !== null && rows.count > sizeOf(axes.map((axis) => axis.length));
  }

  /** The arrays that the log would have if it ended here. */
  #arrays(): AssembledArray[] {
    const { log } = this, points = this.#pointCount;
    const channel = (dtype: Dtype) => ({ name, unit }: { name: string; unit: string }) => ({
      name,
      unit,
      values: column(dtype, points),
    });
    const measurement = {
      setpoints: log.setpoints.map(channel("f8")),
      axes: this.#axes(),
      scalars: log.scalars.map((scalar) => channel(scalar.columns.length === 2 ? "c16" : "f8")(scalar)),
      traces: this.#traces.map((rows, k): Trace => ({
        ...rows.channel,
        count: rows.count,
        length: rows.length,
        values: column(rows.dtype, rows.count * rows.length),
        x: rows.x,
        sharedAxis: this.#byPoint.has(k) ? null : rows.sharedAxis,
        axisValues: column("f8", rows.count * rows.length),
      })),
      attrs: {},
    };
    return assemble(measurement, this.#scratch).arrays;
  }

  #open(arrays: readonly AssembledArray[], signature: string): void {
    this.#signature = signature;
    this.#told.clear();
    this.#shapes = new Map(arrays.map(({ name, shape }) => [name, shape]));
    this.#pending = [{
      type: "open",
      ...this.facts,
      variables: arrays.map((array) => described(array, arrays)),
    }];
  }

  #tell(arrays: readonly AssembledArray[], batch: Batch): void {
    for (const { name, shape } of arrays) {
      if (`${this.#shapes.get(name)}` === `${shape}`) continue;
      this.#shapes.set(name, shape);
      this.#pending.push({ type: "extent", var: name, shape });
    }
    for (const array of arrays) this.#pending.push(...this.#patches(array, batch));
  }

  #patches(array: AssembledArray, batch: Batch): LivePatch[] {
    const { origin } = array;
    switch (origin.of) {
      case "axis":
        return this.#grown(array, (from, to) => (this.#axes()?.[origin.index] ?? []).slice(from, to));
      case "trace axis":
        return this.#grown(
          array,
          (from, to) => this.#traces[origin.index]?.sharedAxis?.slice(from, to) ?? [],
        );
      case "setpoint": {
        const values = this.#points?.setpoints[origin.index];
        return this.#grown(
          array,
          (from, to) =>
            Float64Array.from(
              { length: to - from },
              (_, i) => values?.at(Math.floor((from + i) / origin.times)) ?? NaN,
            ),
        );
      }
      case "samples": {
        const rows = this.#traces[origin.index];
        return this.#grown(array, (from, to) => samples(rows, from, to));
      }
      case "scalar":
        return scalarPatches(array, this.log.scalars[origin.index]?.columns ?? [0], batch.points);
      case "trace":
        return tracePatches(array, batch.traces[origin.index], this.#traces[origin.index]?.length ?? 0);
    }
  }

  /** The values of an array with one axis that were not told yet. */
  #grown(
    { name, shape: [length = 0] }: AssembledArray,
    values: (from: number, to: number) => ArrayLike<number>,
  ) {
    const from = this.#told.get(name) ?? 0;
    this.#told.set(name, length);
    if (length <= from) return [];
    const patch: LivePatch = {
      type: "patch",
      var: name,
      offset: [from],
      shape: [length - from],
      values: Float64Array.from(values(from, length)),
    };
    return [patch];
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }
}

/** A column of which only type and length matter. */
function column(dtype: Dtype, length: number): Column {
  return { dtype, length, read: () => new Float64Array(0) };
}

function signatureOf(arrays: readonly AssembledArray[]): string {
  return JSON.stringify(arrays.map(({ name, dims, dtype, attrs }) => [name, dims, dtype, attrs]));
}

function described(array: AssembledArray, arrays: readonly AssembledArray[]): LiveVariable {
  const { name, dtype, dims, shape, role, attrs } = array;
  const setpoints = arrays.filter((other) =>
    other.role === "coordinate" && other.dims.every((d) => dims.includes(d))
  );
  const place = ({ dims: [dim = ""] }: AssembledArray) => dims.indexOf(dim);
  const text = (value: unknown) => typeof value === "string" && value !== "" ? value : null;
  return {
    name,
    dtype: dtype === "c16" ? "c16" : "f8",
    dims,
    shape,
    role: role === "coordinate" ? "setpoint" : "measured",
    units: text(attrs.units),
    long_name: text(attrs.long_name),
    depends_on: role === "coordinate"
      ? []
      : setpoints.sort((a, b) => place(a) - place(b)).map((setpoint) => setpoint.name),
  };
}

function samples(rows: TraceRows | undefined, from: number, to: number): Float64Array {
  const out = new Float64Array(to - from);
  if (!rows || rows.length === 0) return out;
  for (let trace = from / rows.length, at = 0; at < out.length; trace++, at += rows.length) {
    out.set(rows.axis(trace), at);
  }
  return out;
}

/** Points in order of time are the cells of a grid in C order, which has its slowest setpoint first. */
function scalarPatches(
  { name, shape, dtype }: AssembledArray,
  [real, imaginary]: readonly number[],
  block: PointBlock | undefined,
): LivePatch[] {
  if (!block) return [];
  const { from: start, columns } = block;
  const parts = [real, ...(dtype === "c16" ? [imaginary] : [])].map((k) => columns[k ?? -1]);
  return block.measured.flatMap(({ from, to }) =>
    boxesOf(from, to, shape).map(({ offset, count, cells }): LivePatch => {
      const values = new Float64Array(cells.length * parts.length);
      cells.forEach((cell, i) =>
        parts.forEach((part, p) => values[i * parts.length + p] = part?.[cell - start] ?? NaN)
      );
      return { type: "patch", var: name, offset, shape: count, values };
    })
  );
}

function tracePatches(
  { name, shape, dtype }: AssembledArray,
  block: TraceBlock | undefined,
  length: number,
): LivePatch[] {
  if (!block || length === 0) return [];
  const n = dtype === "c16" ? 2 : 1;
  const from = block.from * length, to = from + block.count * length;
  return boxesOf(from, to, shape).map(({ offset, count, cells }): LivePatch => {
    const values = new Float64Array(cells.length * n);
    cells.forEach((cell, i) => {
      for (let part = 0; part < n; part++) {
        values[i * n + part] = block.values[(cell - from) * n + part] ?? NaN;
      }
    });
    return { type: "patch", var: name, offset, shape: count, values };
  });
}

/** Boxes of the cells `from` to `to`, each with its cells in C order. */
function boxesOf(from: number, to: number, shape: readonly number[]) {
  const all = Float64Array.from({ length: to - from }, (_, i) => from + i);
  return cellBoxes(all, shape).map(({ offset, shape: count, rows }) => {
    const width = count.at(-1) ?? 1;
    const cells = new Float64Array(sizeOf(count));
    rows.forEach((row, r) => cells.set(all.subarray(row, row + width), r * width));
    return { offset, count, cells };
  });
}
