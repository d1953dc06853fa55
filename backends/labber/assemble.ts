/** The labelled data set of one log: measured channels on the swept grid, or point by point where there is none. */
import type { Column } from "../../src/kit/grid/column.ts";
import { scatter } from "../../src/kit/grid/scatter.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import { DistinctNames } from "../../src/kit/hdf5/netcdf_names.ts";
import { type Attributes, type LabelledArray, sizeOf } from "../../src/kit/labelled.ts";
import type { Channel } from "./log_layout.ts";
import { variableName } from "./names.ts";
import type { Trace } from "./traces.ts";

export interface MeasuredChannel extends Channel {
  values: Column;
}

export interface Measurement {
  /** Fastest first; all columns have a value per point. */
  setpoints: MeasuredChannel[];
  /** The distinct values of each setpoint; null when the points are no grid. */
  axes: Float64Array[] | null;
  scalars: MeasuredChannel[];
  traces: Trace[];
  attrs: Attributes;
}

/** Where the values of an array come from; `index` counts setpoints, scalars or traces of the measurement. */
export type Origin =
  /** The distinct values of a setpoint, or the axis that all traces of a channel share. */
  | { of: "axis" | "trace axis"; index: number }
  /** A measured channel. */
  | { of: "scalar" | "trace"; index: number }
  /** A setpoint at each point, each value `times` over, or the axis values of each sample of the traces. */
  | { of: "setpoint"; index: number; times: number }
  | { of: "samples"; index: number };

export interface AssembledArray extends LabelledArray {
  origin: Origin;
}

/** A dimension with the values along it. */
interface Axis extends Channel {
  origin: Origin;
  /** Name of dimension and variable. */
  id: string;
  values: Float64Array;
}

/** A measured array before it has its dimensions. */
interface Variable extends Channel {
  origin: Origin;
  id: string;
  values: Column;
  /** Values of one point: 1, or the samples of a trace. */
  inner: number;
}

/** Arranges a measurement. Names that become equal as identifiers are told apart by `_2`, `_3`, … */
export function assemble(measurement: Measurement, scratch: Scratch): {
  arrays: AssembledArray[];
  attrs: Attributes;
} {
  const arrays = new Assembly(measurement, scratch).arrays();
  return { arrays, attrs: measurement.attrs };
}

class Assembly {
  readonly #names = new DistinctNames();
  readonly #arrays: AssembledArray[] = [];
  /** The grid, slowest first; null when the points are none. */
  readonly #grid: Axis[] | null;
  readonly #traceAxes: Axis[] = [];
  readonly #written = new Set<Axis>();

  constructor(readonly measurement: Measurement, readonly scratch: Scratch) {
    const { setpoints, axes } = measurement;
    const ids = setpoints.map((setpoint) => this.#take(setpoint.name));
    this.#grid = axes && setpoints.map((setpoint, k): Axis => ({
      ...setpoint,
      origin: { of: "axis", index: k },
      id: ids[k] ?? "",
      values: axes[k] ?? new Float64Array(0),
    })).reverse();
  }

  #take(channel: string, suffix = ""): string {
    return this.#names.take(variableName(channel) + suffix);
  }

  arrays(): AssembledArray[] {
    const { scalars, traces } = this.measurement;
    const variable = (channel: MeasuredChannel, inner: number, origin: Origin): Variable => {
      const { name, unit, values } = channel;
      return { id: this.#take(name), name, unit, values, inner, origin };
    };
    // All measured channels get their names before the axes of traces do.
    const measured = scalars.map((scalar, index) => variable(scalar, 1, { of: "scalar", index }));
    const vectors = traces.map((trace, index) => ({
      trace,
      vector: variable(trace, trace.length, { of: "trace", index }),
    }));
    for (const scalar of measured) this.#place(scalar);
    for (const { trace, vector } of vectors) this.#place(vector, trace);
    if (measured.length + vectors.length === 0) this.#grid?.forEach((axis) => this.#write(axis));
    return this.#arrays;
  }

  #place(variable: Variable, trace?: Trace): void {
    const { values, inner } = variable;
    const cells = sizeOf((this.#grid ?? []).map((axis) => axis.values.length));
    const fits = !trace || trace.sharedAxis !== null && trace.count <= cells;
    if (!this.#grid || !fits) return this.#placeByPoint(variable, trace);
    const axes = [
      ...this.#grid,
      ...(trace?.sharedAxis ? [this.#traceAxis(variable, trace, trace.sharedAxis)] : []),
    ];
    for (const axis of axes) this.#write(axis);
    const shape = axes.map((axis) => axis.values.length);
    const { dtype, data } = scatter(values, null, cells * inner, this.scratch);
    const { id: name, origin } = variable;
    const dims = axes.map((axis) => axis.id);
    this.#arrays.push({ name, dims, shape, dtype, data, attrs: labels(variable), role: "data", origin });
  }

  /** One dimension for the variable alone, with a coordinate for each setpoint and for the axis of a trace. */
  #placeByPoint(variable: Variable, trace?: Trace): void {
    const { id, values, inner, origin } = variable;
    const dim = this.#names.take(`${id}_coords`);
    const { setpoints } = this.measurement;
    const add = (name: string, column: Column, channel: Channel, origin: Origin) =>
      this.#arrays.push({
        name,
        dims: [dim],
        shape: [values.length],
        dtype: column.dtype,
        data: (start, length) => column.read(start, length),
        attrs: labels(channel),
        role: channel === variable ? "data" : "coordinate",
        origin,
      });
    for (const setpoint of setpoints.toReversed()) {
      const name = this.#take(setpoint.name, "_irreg");
      const index = setpoints.indexOf(setpoint);
      const column = repeated(setpoint.values, inner, values.length);
      add(name, column, setpoint, { of: "setpoint", index, times: inner });
    }
    if (trace) {
      const x = axisChannel(trace);
      add(this.#take(x.name, "_irreg"), trace.axisValues, x, { of: "samples", index: origin.index });
    }
    add(id, values, variable, origin);
  }

  /** Traces over the same values of the same axis share a dimension. */
  #traceAxis({ origin: { index } }: Variable, trace: Trace, values: Float64Array): Axis {
    const x = axisChannel(trace);
    const known = this.#traceAxes.find((axis) =>
      axis.name === x.name && axis.unit === x.unit && axis.values.length === values.length &&
      axis.values.every((value, i) => value === values[i])
    );
    if (known) return known;
    const axis: Axis = { ...x, origin: { of: "trace axis", index }, id: this.#take(x.name), values };
    this.#traceAxes.push(axis);
    return axis;
  }

  #write(axis: Axis): void {
    if (this.#written.has(axis)) return;
    this.#written.add(axis);
    this.#arrays.push({
      name: axis.id,
      dims: [axis.id],
      shape: [axis.values.length],
      dtype: "f8",
      data: axis.values,
      attrs: labels(axis),
      role: "coordinate",
      origin: axis.origin,
    });
  }
}

function labels({ name, unit }: Channel): Attributes {
  return { units: unit, long_name: name };
}

function axisChannel({ x }: Trace): Channel {
  return { name: x.name || "x", unit: x.unit };
}

/** Each value `times` over; NaN where there are no more values. */
function repeated(column: Column, times: number, length: number): Column {
  if (times === 1 && column.length === length) return column;
  return {
    dtype: "f8",
    length,
    read: (start, count) => {
      const first = Math.floor(start / times),
        last = Math.min(Math.ceil((start + count) / times), column.length);
      const values = column.read(first, Math.max(0, last - first)) as Float64Array;
      return Float64Array.from(
        { length: count },
        (_, i) => values[Math.floor((start + i) / times) - first] ?? NaN,
      );
    },
  };
}
