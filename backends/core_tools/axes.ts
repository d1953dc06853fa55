/** Axes of the arrays: the values of a setpoint, under a name that stands for them alone. */
import { netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import type { LabelledArray } from "../../src/kit/labelled.ts";
import { sizeOf } from "../../src/kit/labelled.ts";
import type { Database } from "./connection.ts";
import { LargeObject, NOTHING_WRITTEN, StridedObject, type ValueSource } from "./large_object.ts";
import type { Parameter } from "./parameter_table.ts";

/** Values compared at once. */
const COMPARED = 512 * 1024;

/** The values along one axis. */
export interface Axis {
  length: number;
  setpoint: Parameter;
  /** Distance of its values in the setpoint's array. */
  stride: number;
  values: ValueSource;
  label: string;
  unit: string;
  /** Equal texts: the same values without looking. */
  origin: string;
}

/**
 * The axis of a setpoint. One that was recorded at every point of a grid is taken at the first position of all other
 * axes, as core-tools does.
 * @returns undefined when its values are no axis
 */
export function axisOf(db: Database, setpoint: Parameter): Axis | undefined {
  const { shape, oid, label, unit } = setpoint;
  if (!shape || shape.length === 0) return undefined;
  const along = shape.length === 1 ? 0 : setpoint.axis;
  const length = shape[along];
  if (length === undefined || shape.length > 1 && !setpoint.isSetpoint) return undefined;
  const stride = sizeOf(shape.slice(along + 1));
  const values = oid === null
    ? NOTHING_WRITTEN
    : stride === 1
    ? new LargeObject(db, oid)
    : new StridedObject(db, oid, stride);
  return { length, setpoint, stride, values, label, unit, origin: `${oid} ${stride}` };
}

/** How many values of an axis are written when its setpoint's array is up to `cursor`. */
export function writtenOf({ length, stride }: Axis, cursor: number): number {
  return Math.min(length, Math.ceil(Math.max(0, cursor) / stride));
}

/** How many values of two axes were written when their parameters were read. */
export function bothWritten(a: Axis, b: Axis): number {
  return Math.min(...[a, b].map((axis) => writtenOf(axis, axis.setpoint.cursor)));
}

/** Gives every axis a name; equal ones share it. */
export class AxisNames {
  readonly #axes = new Map<string, Axis>();
  /** Axes that bear the name of another one with equal values. */
  readonly shared: SharedName[] = [];

  /**
   * @param isTaken names that something else has
   * @param compared how many values of two axes are compared, from their beginning
   */
  constructor(
    private readonly isTaken: (name: string) => boolean,
    private readonly compared: (a: Axis, b: Axis) => number,
  ) {}

  get named(): ReadonlyMap<string, Axis> {
    return this.#axes;
  }

  has(name: string): boolean {
    return this.#axes.has(name);
  }

  /**
   * The name of an axis: that of its setpoint, with `-1`, `-2` … behind it while that stands for other values.
   * @param except names that may not be used: one array has every axis once
   */
  async nameOf(axis: Axis, wanted: string, except: readonly string[]): Promise<string> {
    const base = netcdfName(wanted);
    for (let n = 0;; n++) {
      const name = n === 0 ? base : `${base}-${n}`;
      const known = this.#axes.get(name);
      if (known && !except.includes(name) && await areEqual(known, axis, this.compared(known, axis))) {
        if (known.origin !== axis.origin) this.shared.push({ name, known, axis });
        return name;
      }
      if (known || this.isTaken(name)) continue;
      this.#axes.set(name, axis);
      return name;
    }
  }

  arrays(): LabelledArray[] {
    return [...this.#axes].map(([name, { length, values, label, unit }]) => ({
      name,
      dims: [name],
      shape: [length],
      dtype: "f8",
      data: (start, count) => values.read(start, count),
      attrs: { units: unit, long_name: label },
      role: "coordinate",
    }));
  }
}

/** Two axes whose values are equal, as far as they were compared. */
export interface SharedName {
  name: string;
  known: Axis;
  axis: Axis;
}

async function areEqual(a: Axis, b: Axis, compared: number): Promise<boolean> {
  if (a.length !== b.length || a.label !== b.label || a.unit !== b.unit) return false;
  if (a.origin === b.origin) return true;
  for (let start = 0; start < compared; start += COMPARED) {
    const count = Math.min(COMPARED, compared - start);
    if (!areSame(await a.values.read(start, count), await b.values.read(start, count))) return false;
  }
  return true;
}

/** NaN equals NaN. */
export function areSame(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, i) => value === b[i] || Number.isNaN(value) && Number.isNaN(b[i]));
}
