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

/** A dimension with the values along it. */
interface Axis extends Channel {
  /** Name of dimension and variable. */
  id: string;
  values: Float64Array;
}

/** A measured array before it has its dimensions. */
interface Variable extends Channel {
  id: string;
  values: Column;
  /** Values of one point: 1, or the samples of a trace. */
  inner: number;
}

/** Arranges a measurement. Names that become equal as identifiers are told apart by `_2`, `_3`, … */
export function assemble(measurement: Measurement, scratch: Scratch): {
  arrays: LabelledArray[];
  attrs: Attributes;
} {
  const arrays = new Assembly(measurement, scratch).arrays();
  return { arrays, attrs: measurement.attrs };
}

class Assembly {
  readonly #names = new DistinctNames();
  readonly #arrays: LabelledArray[] = [];
  /** The grid, slowest first; null when the points are none. */
  readonly #grid: Axis[] | null;
  readonly #traceAxes: Axis[] = [];
  readonly #written = new Set<Axis>();

  constructor(readonly measurement: Measurement, readonly scratch: Scratch) {
    const { setpoints, axes } = measurement;
    const ids = setpoints.map((setpoint) => this.#take(setpoint.name));
    this.#grid = axes && setpoints.map((setpoint, k): Axis => ({
      ...setpoint,
      id: ids[k] ?? "",
      values: axes[k] ?? new Float64Array(0),
    })).reverse();
  }

  #take(channel: string, suffix = ""): string {
    return this.#names.take(variableName(channel) + suffix);
  }

  arrays(): LabelledArray[] {
    const { scalars, traces } = this.measurement;
    const variable = (channel: MeasuredChannel, inner: number): Variable => {
      const { name, unit, values } = channel;
      return { id: this.#take(name), name, unit, values, inner };
    };
    // All measured channels get their names before the axes of traces do.
    const measured = scalars.map((scalar) => variable(scalar, 1));
    const vectors = traces.map((trace) => ({ trace, vector: variable(trace, trace.length) }));
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
    const axes = [...this.#grid, ...(trace?.sharedAxis ? [this.#traceAxis(trace, trace.sharedAxis)] : [])];
    for (const axis of axes) this.#write(axis);
    const shape = axes.map((axis) => axis.values.length);
    const { dtype, data } = scatter(values, null, cells * inner, this.scratch);
    const { id: name } = variable;
    const dims = axes.map((axis) => axis.id);
    this.#arrays.push({ name, dims, shape, dtype, data, attrs: labels(variable), role: "data" });
  }

  /** One dimension for the variable alone, with a coordinate for each setpoint and for the axis of a trace. */
  #placeByPoint(variable: Variable, trace?: Trace): void {
    const { id, values, inner } = variable;
    const dim = this.#names.take(`${id}_coords`);
    const { setpoints } = this.measurement;
    const add = (name: string, column: Column, channel: Channel, role: "coordinate" | "data") =>
      this.#arrays.push({
        name,
        dims: [dim],
        shape: [values.length],
        dtype: column.dtype,
        data: (start, length) => column.read(start, length),
        attrs: labels(channel),
        role,
      });
    for (const setpoint of setpoints.toReversed()) {
      const name = this.#take(setpoint.name, "_irreg");
      add(name, repeated(setpoint.values, inner, values.length), setpoint, "coordinate");
    }
    if (trace) {
      const x = axisChannel(trace);
      add(this.#take(x.name, "_irreg"), trace.axisValues, x, "coordinate");
    }
    add(id, values, variable, "data");
  }

  /** Traces over the same values of the same axis share a dimension. */
  #traceAxis(trace: Trace, values: Float64Array): Axis {
    const x = axisChannel(trace);
    const known = this.#traceAxes.find((axis) =>
      axis.name === x.name && axis.unit === x.unit && axis.values.length === values.length &&
      axis.values.every((value, i) => value === values[i])
    );
    if (known) return known;
    const axis = { ...x, id: this.#take(x.name), values };
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
