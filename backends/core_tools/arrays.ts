/** The labelled arrays of a measurement, arranged as core-tools' own export to xarray does. */
import type { DraftLog } from "../../src/kit/drafts.ts";
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";
import { netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import type { LabelledArray } from "../../src/kit/labelled.ts";
import { sizeOf } from "../../src/kit/labelled.ts";
import { type Axis, AxisNames, axisOf, bothWritten, type SharedName } from "./axes.ts";
import type { Database } from "./connection.ts";
import { extentOf, LargeObject, NOTHING_WRITTEN } from "./large_object.ts";
import type { Parameter } from "./parameter_table.ts";

/** Values beyond which a shape is no measurement's: 64 GiB. */
const MOST_VALUES = 2 ** 33;

export interface MeasuredArrays {
  arrays: LabelledArray[];
  /** What is odd. */
  logs: DraftLog[];
  /** What is damaged or missing. */
  problems: ErrorData[];
}

/** True when any point was written, whatever the cursors say. */
export async function hasPoints(db: Database, parameters: readonly Parameter[]): Promise<boolean> {
  if (parameters.some((p) => p.cursor > 0)) return true;
  for (const { oid } of parameters) {
    if ((await extentOf(db, { oid, cursor: 0, points: 0 })).hasValues) return true;
  }
  return false;
}

/** @param isCleared values were removed on purpose: that they are missing is no damage */
export async function measuredArrays(
  db: Database,
  parameters: readonly Parameter[],
  isCleared: boolean,
): Promise<MeasuredArrays> {
  return (await arranged(new Arrangement(db, parameters, isCleared, ({ length }) => length))).result();
}

/** The arrays of a measurement that is being written: the same as at its end, as far as that can be told. */
export interface RunningLayout {
  axes: ReadonlyMap<string, Axis>;
  /** Axes that are one until their values differ. */
  shared: readonly SharedName[];
  measured: { name: string; dims: string[]; shape: number[]; parameter: Parameter }[];
}

export async function runningLayout(db: Database, parameters: readonly Parameter[]): Promise<RunningLayout> {
  return (await arranged(new Arrangement(db, parameters, false, bothWritten))).layout();
}

async function arranged(arrangement: Arrangement): Promise<Arrangement> {
  for (const [i, sets] of measuredSets(arrangement.parameters).entries()) {
    for (const [j, parameter] of sets.entries()) {
      await arrangement.add(parameter, [i, j], sets.length > 1);
    }
  }
  return arrangement;
}

/** The measured parameters in order of their rows, each with its arrays. */
function measuredSets(parameters: readonly Parameter[]): Parameter[][] {
  const measured = parameters.filter((p) => p.id !== null && p.id === p.measuredId);
  return [...new Set(measured.map((p) => p.id))].map((id) =>
    measured.filter((p) => p.id === id).sort((a, b) => a.set - b.set)
  );
}

class Arrangement {
  readonly #logs: DraftLog[] = [];
  readonly #problems: ErrorData[] = [];
  readonly #variables = new Map<string, LabelledArray & { parameter: Parameter }>();
  readonly #axes: AxisNames;
  /** Dimensions without values. */
  readonly #bare = new Set<string>();
  /** Setpoints whose extent was looked at. */
  readonly #checked = new Set<Parameter>();

  constructor(
    private readonly db: Database,
    readonly parameters: readonly Parameter[],
    private readonly isCleared: boolean,
    compared: (a: Axis, b: Axis) => number,
  ) {
    this.#axes = new AxisNames((name) => this.#variables.has(name) || this.#bare.has(name), compared);
  }

  layout(): RunningLayout {
    return {
      axes: this.#axes.named,
      shared: this.#axes.shared,
      measured: [...this.#variables.values()].map(({ name, dims, shape, parameter }) => ({
        name,
        dims,
        shape,
        parameter,
      })),
    };
  }

  result(): MeasuredArrays {
    return {
      arrays: [
        ...this.#axes.arrays(),
        ...[...this.#variables.values()].map(({ parameter: _, ...array }) => array),
      ],
      logs: this.#logs,
      problems: this.#problems,
    };
  }

  /** @param index position of the parameter, and of the array among those that it gives */
  async add(parameter: Parameter, index: readonly [number, number], isOneOfSeveral: boolean): Promise<void> {
    const { shape, oid, label, unit } = parameter;
    if (!shape || sizeOf(shape) > MOST_VALUES) {
      this.#problem("shape_unusable", parameter, "its shape is not recorded, or none an array can have");
      return;
    }
    await this.#check(parameter, shape);
    const dims: string[] = [];
    for (const [k, length] of shape.entries()) {
      dims.push(await this.#dimension(parameter, shape, k, length, dims));
    }
    const number = `m${index[0] + 1}${isOneOfSeveral ? `_${index[1] + 1}` : ""}`;
    const name = this.#freeName(parameter.name || number);
    const values = oid === null ? NOTHING_WRITTEN : new LargeObject(this.db, oid);
    this.#variables.set(name, {
      parameter,
      name,
      dims,
      shape,
      dtype: "f8",
      data: (start, count) => values.read(start, count),
      attrs: {
        units: unit,
        long_name: label,
        _param_index: BigInt64Array.from(index, BigInt),
        param_name: parameter.name || number,
      },
      role: "data",
    });
  }

  /** The name of one dimension: that of its setpoint's axis, or one without values where that does not fit. */
  async #dimension(
    parameter: Parameter,
    shape: readonly number[],
    k: number,
    length: number,
    taken: readonly string[],
  ): Promise<string> {
    const id = parameter.dependencies[k];
    const rows = this.parameters.filter((p) => p.id === id);
    // core-tools takes a single list of values for its own axis.
    const isOwnAxis = shape.length === 1 && parameter.dependencies.length === 0;
    const setpoint = isOwnAxis ? parameter : rows[0];
    const axis = setpoint && axisOf(this.db, setpoint);
    const letters = shape.length <= 2 ? "xyz" : "ijklmnopqrstuvw";
    const wanted = setpoint?.name || letters.charAt(k) || `axis ${k}`;
    if (setpoint && axis?.length === length) {
      if (!isOwnAxis && setpoint.shape) await this.#check(setpoint, setpoint.shape);
      if (rows.length > 1) this.#noteOthers(rows);
      return await this.#axes.nameOf(axis, wanted, taken);
    }
    const why = setpoint ? `the setpoint ${wanted} does not fit its shape` : "no setpoint is recorded for it";
    this.#log("axis_without_values", `${parameter.name}: axis ${k} has no values, because ${why}`);
    const name = this.#freeName(`${parameter.name}_axis_${k}`);
    this.#bare.add(name);
    return name;
  }

  /** core-tools' export knows one setpoint an axis. */
  #noteOthers(rows: readonly Parameter[]): void {
    const [first, ...others] = rows.map((p) => p.name);
    const message = `${others.join(", ")} ran along the axis ${first} and cannot be its coordinate too`;
    if (this.#logs.every((log) => log.message !== message)) this.#log("setpoint_left_out", message);
  }

  async #check(parameter: Parameter, shape: readonly number[]): Promise<void> {
    if (this.#checked.has(parameter)) return;
    this.#checked.add(parameter);
    const { name, oid, lostOid, cursor, totalSize } = parameter;
    const points = sizeOf(shape);
    if (totalSize !== null && totalSize !== points) {
      this.#log(
        "size_differs",
        `${name}: total_size is ${totalSize}, its shape [${shape}] has ${points} points`,
      );
    }
    const extent = await extentOf(this.db, { oid, cursor, points });
    if (extent.goesBeyond) {
      this.#log("values_beyond_shape", `${name}: more values are stored than its shape [${shape}] has`);
    }
    if (extent.reachesCursor) return;
    if (oid !== null) {
      this.#log("values_missing", `${name}: fewer values are stored than the ${cursor} that were written`);
    } else if (this.isCleared) {
      this.#log("data_cleared", `${name}: its values were removed from the database`);
    } else {
      const object = lostOid === null
        ? "no large object is named"
        : `the large object ${lostOid} is not there`;
      this.#problem("values_missing", parameter, `${cursor} values were written, but ${object}`);
    }
  }

  #freeName(wanted: string): string {
    const base = netcdfName(wanted);
    const isTaken = (name: string) =>
      this.#variables.has(name) || this.#axes.has(name) || this.#bare.has(name);
    let name = base;
    for (let n = 2; isTaken(name); n++) name = `${base}-${n}`;
    return name;
  }

  #log(code: string, message: string): void {
    this.#logs.push({ code, message });
  }

  #problem(code: string, { name }: Parameter, reason: string): void {
    const error = new SyncError("data", code, `${name}: ${reason}`, {
      hint: "The database is damaged there; restore it from a backup. The other values are published.",
    });
    this.#problems.push(error.toData());
  }
}
