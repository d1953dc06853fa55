/** How a running measurement looks on the stream: on its grid where its points are one (rule B9), else point by point. */
import { cellBoxes } from "../../../src/kit/grid/cell_boxes.ts";
import { columnOf } from "../../../src/kit/grid/column.ts";
import { type Levels, levelsOf } from "../../../src/kit/grid/levels.ts";
import type { AttrValue } from "../../../src/kit/labelled.ts";
import type { LiveChange, LiveDtype, LivePatch, LiveValues, LiveVariable } from "../../../src/kit/live.ts";
import { isVersion2 } from "../dataset_v2.ts";
import { gridOf, POINTS, setpointsOf } from "../grid.ts";
import type { Measurement, Variable } from "../measurement.ts";
import { cut, gather, liveDtype, liveValues } from "./cell_values.ts";
import type { Run } from "./point_table.ts";
import { regularAxes } from "./regular_grid.ts";

/** A variable as it is stored. */
export interface StoredVariable extends Variable {
  type: LiveDtype;
  isSetpoint: boolean;
}

/** Values of all variables of a table from a point on. */
export interface Window {
  from: number;
  values: readonly LiveValues[];
}

/** The grid as it is sent, and how values of setpoints find their places in it. */
interface StreamGrid {
  axes: StoredVariable[];
  levels: Levels[];
  shape: number[];
}

export class Layout {
  readonly variables: LiveVariable[];
  /** Variables along the points, then those with axes of their own. */
  readonly points: StoredVariable[];
  readonly others: StoredVariable[];
  readonly #setpoints: StoredVariable[];
  readonly #grid: StreamGrid | null;

  constructor(measurement: Measurement) {
    // The points of dataset version 2 are never arranged.
    const setpoints = isVersion2(measurement) ? [] : setpointsOf(measurement);
    const all = measurement.variables.map((v) => stored(v, v.role === "coordinate" || setpoints.includes(v)));
    const grid = setpoints.length > 1 ? regularAxes(setpoints) ?? gridOf(setpoints)?.axes : undefined;
    // An index of the points has no meaning beside the setpoints of a grid.
    const shownPoints = all.filter(({ name }) => !(grid && name === POINTS));
    this.points = shownPoints.filter(({ dims }) => dims.length === 1 && dims[0] === POINTS);
    this.others = shownPoints.filter((v) => !this.points.includes(v));
    this.#setpoints = this.points.filter((v) => setpoints.some(({ name }) => name === v.name));
    this.#grid = grid ? gridOnStream(grid) : null;
    const axes = this.#grid?.axes ?? [];
    const shown = [...axes, ...this.points.filter((v) => !this.#isOnAxis(v)), ...this.others];
    this.variables = shown.map((v) => this.#described(v, shown));
  }

  /** Text that is another one when a new structure has to be told; lengths of lists of points do not count. */
  get signature(): string {
    const axes = this.#grid?.axes.map(({ name, column }) => [name, column.length, [...keysOf(column)]]);
    const variables = this.variables.map(({ shape, ...v }) => [v, this.#grows(v.name) ? null : shape]);
    return JSON.stringify([variables, axes ?? null]);
  }

  /** Values of the axes of the grid, which are known from the begin. */
  axisPatches(): LivePatch[] {
    return (this.#grid?.axes ?? []).filter(({ column }) => column.length > 0).map((
      { name, type, column },
    ) => ({
      type: "patch",
      var: name,
      offset: [0],
      shape: [column.length],
      values: liveValues(column.read(0, column.length), type),
    }));
  }

  /** Whether a variable is stored point by point, but shown by the axes of the grid. */
  #isOnAxis(v: StoredVariable): boolean {
    return this.#grid !== null && this.#setpoints.includes(v);
  }

  #grows(name: string): boolean {
    return this.#grid === null && this.points.some((v) => v.name === name);
  }

  /** Whether the grid would be another one if this variable along the points changed. */
  makesGrid(point: number): boolean {
    const v = this.points[point];
    return v !== undefined && this.#isOnAxis(v);
  }

  get isGrid(): boolean {
    return this.#grid !== null;
  }

  /** The length of the variables along the points is another one. */
  extents(length: number): LiveChange[] {
    if (this.#grid) return [];
    return this.points.map(({ name }) => ({ type: "extent", var: name, shape: [length] }));
  }

  /** Changed cells of the variables along the points. */
  pointPatches(runs: readonly Run[][], window: Window): LivePatch[] {
    return this.points.flatMap((v, k) => {
      const own = runs[k] ?? [], values = window.values[k];
      if (!values || own.length === 0 || this.#isOnAxis(v)) return [];
      return this.#grid ? this.#onGrid(v, own, values, window) : own.map(({ from, to }): LivePatch => ({
        type: "patch",
        var: v.name,
        offset: [from],
        shape: [to - from],
        values: cut(values, v.type, from - window.from, to - window.from).slice(),
      }));
    });
  }

  /** Changed cells of a variable with axes of its own. */
  otherPatches(v: StoredVariable, runs: readonly Run[], { from, values: [values] }: Window): LivePatch[] {
    if (!values || runs.length === 0) return [];
    const cells = Float64Array.from(positionsOf(runs));
    return patches(v, cells, v.shape, values, cells.map((cell) => cell - from));
  }

  #onGrid(v: StoredVariable, runs: readonly Run[], values: LiveValues, window: Window): LivePatch[] {
    const grid = this.#grid;
    if (!grid) return [];
    const points = Float64Array.from(positionsOf(runs), (point) => point - window.from);
    const cells = this.#cellsOf(points, window, grid);
    const order = Uint32Array.from(cells.keys()).sort((a, b) => (cells[a] ?? 0) - (cells[b] ?? 0));
    const sorted = Float64Array.from(order, (k) => cells[k] ?? 0);
    return patches(v, sorted, grid.shape, values, Float64Array.from(order, (k) => points[k] ?? 0));
  }

  #cellsOf(points: Float64Array, { values }: Window, grid: StreamGrid): Float64Array {
    const cells = new Float64Array(points.length);
    grid.axes.forEach(({ name }, axis) => {
      const k = this.points.findIndex((v) => v.name === name);
      const v = this.points[k], own = values[k];
      if (!v || !own) return;
      const ranks = grid.levels[axis]?.ranks(picked(own, v.type, points));
      const extent = grid.shape[axis] ?? 1;
      for (let i = 0; i < cells.length; i++) cells[i] = (cells[i] ?? 0) * extent + (ranks?.[i] ?? 0);
    });
    return cells;
  }

  #described(v: StoredVariable, shown: readonly StoredVariable[]): LiveVariable {
    const [setpoint] = this.#setpoints;
    const renamed = (dims: string[]) =>
      dims.flatMap((dim) => {
        if (dim !== POINTS) return [dim];
        if (this.#grid) return this.#grid.axes.map(({ name }) => name);
        return [this.#setpoints.length === 1 && setpoint ? setpoint.name : dim];
      });
    const isOnGrid = this.#grid !== null && this.points.includes(v);
    const dims = renamed(v.dims);
    return {
      name: v.name,
      dtype: v.type,
      dims,
      shape: isOnGrid ? [...this.#grid?.shape ?? []] : [...v.shape],
      role: v.isSetpoint ? "setpoint" : "measured",
      units: textOf(v.attrs.units) ?? textOf(v.attrs.unit),
      long_name: textOf(v.attrs.long_name) ?? textOf(v.attrs.name),
      depends_on: v.isSetpoint ? [] : dependencies(v, dims, shown, renamed),
    };
  }
}

/** Setpoints whose axes are all among those of a variable. */
function dependencies(
  v: StoredVariable,
  dims: readonly string[],
  shown: readonly StoredVariable[],
  renamed: (dims: string[]) => string[],
): string[] {
  const own = shown.filter((s) =>
    s !== v && s.isSetpoint && renamed(s.dims).every((dim) => dims.includes(dim))
  );
  const place = (s: StoredVariable) => dims.indexOf(s.name);
  return own.map((s) => ({ name: s.name, place: place(s) < 0 ? dims.length : place(s) }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => name);
}

function stored(v: Variable, isSetpoint: boolean): StoredVariable {
  return { ...v, isSetpoint, type: liveDtype(v.column.dtype) };
}

function gridOnStream(found: readonly Variable[]): StreamGrid {
  const axes = found.map((axis): StoredVariable => {
    const v = stored(axis, true);
    return { ...v, column: columnOf(v.type, liveValues(axis.column.read(0, axis.column.length), v.type)) };
  });
  return {
    axes,
    levels: axes.map(({ column }) => levelsOf(column)),
    shape: axes.map(({ column }) => column.length),
  };
}

function keysOf(column: StoredVariable["column"]): string[] {
  return Array.from<unknown, string>(column.read(0, column.length), String);
}

function textOf(value: AttrValue | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function* positionsOf(runs: readonly Run[]): Generator<number, void, undefined> {
  for (const { from, to } of runs) for (let cell = from; cell < to; cell++) yield cell;
}

function picked(values: LiveValues, dtype: LiveDtype, positions: Float64Array): LiveValues {
  return gather(values, dtype, positions, [0], [positions.length]);
}

/** @param cells ascending positions in the array; `places` of the same cells among the values */
function patches(
  v: StoredVariable,
  cells: Float64Array,
  shape: readonly number[],
  values: LiveValues,
  places: Float64Array,
): LivePatch[] {
  return cellBoxes(cells, shape).map(({ offset, shape: count, rows }) => ({
    type: "patch",
    var: v.name,
    offset,
    shape: count,
    values: gather(values, v.type, places, rows, count),
  }));
}
