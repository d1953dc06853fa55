/**
 * The grid rule (B9): points with their setpoints `x0`, `x1`, … become arrays over these, as by Quantify's own
 * `to_gridded_dataset`, but only where the points are a grid.
 */
import { allCells, type Cells, cellsOf, orderOf, type Placement } from "../../src/kit/grid/cells.ts";
import { columnOf } from "../../src/kit/grid/column.ts";
import { levelsOf } from "../../src/kit/grid/levels.ts";
import { scatter } from "../../src/kit/grid/scatter.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import { compareCodePoints } from "../../src/kit/hdf5/code_points.ts";
import { type Attributes, sizeOf } from "../../src/kit/labelled.ts";
import type { Measurement, Variable } from "./measurement.ts";

/** The dimension along which Quantify stores points. */
export const POINTS = "dim_0";

/** Arranges a measurement on its grid; whatever is none stays as it is. */
export function gridded(measurement: Measurement, scratch: Scratch): Measurement {
  const setpoints = setpointsOf(measurement);
  const [first, ...others] = setpoints;
  if (!first) return measurement;
  if (others.length === 0) return onOneAxis(measurement, first) ?? measurement;
  const grid = gridOf(setpoints);
  return grid ? onAxes(measurement, setpoints, grid, scratch) : measurement;
}

/** The setpoints of the points in the order of their axes; none where they are not lists of points. */
export function setpointsOf({ variables }: Measurement): Variable[] {
  const setpoints = variables
    .filter((v) => v.name.startsWith("x"))
    .sort((a, b) => compareCodePoints(a.name, b.name));
  return setpoints.every((v) => v.dims.length === 1 && v.dims[0] === POINTS) ? setpoints : [];
}

/** One setpoint: it labels the points as they are, in their order, repeated ones too. */
function onOneAxis(measurement: Measurement, setpoint: Variable): Measurement | undefined {
  if (levelsOf(setpoint.column).missing) return undefined;
  const variables = measurement.variables.map((v): Variable => ({
    ...v,
    dims: v.dims.map((dim) => dim === POINTS ? setpoint.name : dim),
    role: v === setpoint ? "coordinate" : v.role,
  }));
  return { ...measurement, variables, attrs: griddedAttributes(measurement.attrs) };
}

export interface Grid {
  /** The setpoints with their distinct values, each on its own dimension. */
  axes: Variable[];
  cells: Cells;
  /** Null when the points lie in the order of the cells. */
  place: Placement | null;
}

/** The grid of several setpoints: every combination of their values was set, once. Undefined when there is none. */
export function gridOf(setpoints: readonly Variable[]): Grid | undefined {
  const columns = setpoints.map((v) => v.column);
  const levels = columns.map(levelsOf);
  const cells = cellsOf(columns, levels);
  if (levels.some((l) => l.missing) || cells.size !== cells.length) return undefined;
  const { ascending, unique } = orderOf(cells);
  if (!unique) return undefined;
  const axes = setpoints.map((v, k): Variable => {
    const column = levels[k]?.column ?? v.column;
    return { ...v, dims: [v.name], shape: [column.length], role: "coordinate", column };
  });
  return { axes, cells, place: ascending ? null : cells.place };
}

function onAxes(
  measurement: Measurement,
  setpoints: readonly Variable[],
  grid: Grid,
  scratch: Scratch,
): Measurement {
  const rest = measurement.variables
    // An index of the points has no meaning beside the setpoints.
    .filter((v) => !setpoints.includes(v) && v.name !== POINTS)
    .map((v) => v.dims.includes(POINTS) ? spread(v, grid, scratch) : v);
  return { ...measurement, variables: [...grid.axes, ...rest], attrs: griddedAttributes(measurement.attrs) };
}

/** Puts the points of a variable on the grid. Further dimensions come first, as xarray's `unstack` has it. */
function spread(v: Variable, { axes, cells, place }: Grid, scratch: Scratch): Variable {
  const axis = v.dims.indexOf(POINTS);
  const inner = sizeOf(v.shape.slice(axis + 1));
  const keepsOrder = place === null && inner === 1;
  const placement = v.dims.length === 1 || keepsOrder
    ? place
    : behindOthers(place && allCells(cells), cells.length, inner);
  const length = sizeOf(v.shape);
  const { dtype, data } = scatter(v.column, placement, length, scratch);
  const column = typeof data === "function" ? { dtype, length, read: data } : columnOf(dtype, data);
  const others = <T>(list: readonly T[]) => list.filter((_, k) => k !== axis);
  return {
    ...v,
    dims: [...others(v.dims), ...axes.map((a) => a.name)],
    shape: [...others(v.shape), ...cells.shape],
    column,
  };
}

/** Cells of a variable with further dimensions: these come first, the grid behind them. */
function behindOthers(grid: Float64Array | null, points: number, inner: number): Placement {
  return (start, length) =>
    Float64Array.from({ length }, (_, k) => {
      const at = start + k;
      const point = Math.floor(at / inner) % points;
      const other = Math.floor(at / (inner * points)) * inner + at % inner;
      return other * points + (grid ? grid[point] as number : point);
    });
}

/** `grid_2d` speaks of the flat form. */
function griddedAttributes(attrs: Attributes): Attributes {
  return "grid_2d" in attrs ? { ...attrs, grid_2d: false } : attrs;
}
