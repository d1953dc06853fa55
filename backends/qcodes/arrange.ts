/** How the points of one measured parameter become dimensions, by the rules of QCoDeS' own to_xarray. */
import { sizeOf } from "../../src/kit/labelled.ts";
import { type Cells, cellsOf, orderOf, type Placement } from "../../src/kit/grid/cells.ts";
import { type Column, columnOf, ColumnWriter } from "../../src/kit/grid/column.ts";
import { isUnique, type Levels, levelsOf } from "../../src/kit/grid/levels.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import type { NamedColumn, Tree } from "./collect.ts";
import { relatedParameters, type RunDescription } from "./interdependencies.ts";

export interface Axis {
  name: string;
  values: Column;
}

export type Form =
  /** Dimensions are the setpoints. `place` is null when the points are all there in C order. */
  | { kind: "grid"; axes: Axis[]; place: Placement | null }
  /** One dimension `multi_index`; the setpoints are levels of it. */
  | { kind: "multi"; names: string[]; levels: Levels[]; columns: Column[]; cells: Cells }
  /** One dimension `index` of this length; the setpoints are data. */
  | { kind: "index"; length: number };

export interface Variable {
  name: string;
  column: Column;
  role: "coordinate" | "data";
  /** The axes it lies on, when not on all of the form's. */
  axes?: string[];
}

export interface Arranged {
  name: string;
  form: Form;
  variables: Variable[];
  /** Inferred parameters that QCoDeS leaves out because their size does not fit. */
  leftOut: string[];
}

/** A grid with holes may have this many cells more than points before points are listed instead. */
const SPARSE_FACTOR = 64;
const SPARSE_CELLS = 1 << 26;

/** Chooses the dimensions of a tree. */
export function arrange(tree: Tree, description: RunDescription, scratch: Scratch): Arranged {
  const shape = description.shapes?.[tree.name];
  const count = tree.measured.length;
  const { setpoints } = tree;
  if (
    shape && setpoints.length > 0 && shape.length === setpoints.length && sizeOf(shape) === count && count > 0
  ) {
    return direct(tree, shape, description, scratch);
  }
  const measured: Variable = { name: tree.name, column: tree.measured, role: "data" };
  const inferred = tree.inferred.map((i): Variable => ({ ...i, role: "data" }));
  const form = formOf(setpoints, count, description.shapes !== null);
  const fits = form.kind !== "grid" || sizeOf(form.axes.map((a) => a.values.length)) === count;
  return {
    name: tree.name,
    form,
    variables: [
      ...(form.kind === "index" ? setpoints.map((s): Variable => ({ ...s, role: "data" })) : []),
      measured,
      ...(fits ? inferred : []),
    ],
    leftOut: fits ? [] : inferred.map((i) => i.name),
  };
}

function formOf(setpoints: readonly NamedColumn[], count: number, hasShapes: boolean): Form {
  const index: Form = { kind: "index", length: count };
  const [first, ...others] = setpoints;
  if (!first) return index;
  if (others.length === 0) {
    return isUnique(first.column)
      ? { kind: "grid", axes: [{ name: first.name, values: first.column }], place: null }
      : index;
  }
  const columns = setpoints.map((s) => s.column);
  const levels = columns.map(levelsOf);
  const cells = cellsOf(columns, levels);
  // NaN has no place in a grid, and QCoDeS cannot store such multi-indexes.
  if (levels.some((l) => l.missing) || cells.size > Number.MAX_SAFE_INTEGER) return index;
  const { ascending, unique } = orderOf(cells);
  if (!unique) return index;
  const full = cells.size === count;
  const tooSparse = cells.size > Math.max(SPARSE_CELLS, SPARSE_FACTOR * count);
  if (!full && (!hasShapes || tooSparse)) {
    return { kind: "multi", names: setpoints.map((s) => s.name), levels, columns, cells };
  }
  const axes = setpoints.map((s, k) => ({ name: s.name, values: (levels[k] as Levels).column }));
  return { kind: "grid", axes, place: full && ascending ? null : cells.place };
}

/** The registered shape is complete: the order of measuring is kept, whatever the values of the setpoints. */
function direct(
  tree: Tree,
  shape: readonly number[],
  description: RunDescription,
  scratch: Scratch,
): Arranged {
  const names = tree.setpoints.map((s) => s.name);
  const axes = tree.setpoints.map((s, k) => ({
    name: s.name,
    values: sliceAlong(s.column, shape, [k], scratch),
  }));
  const variables = tree.inferred.map(({ name, column }): Variable => {
    const related = relatedParameters(description, name);
    if (related.has(tree.name)) return { name, column, role: "data" };
    const along = names.flatMap((n, k) => related.has(n) ? [k] : []);
    return {
      name,
      column: sliceAlong(column, shape, along, scratch),
      role: "coordinate",
      axes: along.map((k) => names[k] as string),
    };
  });
  return {
    name: tree.name,
    form: { kind: "grid", axes, place: null },
    variables: [{ name: tree.name, column: tree.measured, role: "data" }, ...variables],
    leftOut: [],
  };
}

/** The part of a C-order array along some axes, at index 0 of the others. */
function sliceAlong(
  column: Column,
  shape: readonly number[],
  along: readonly number[],
  scratch: Scratch,
): Column {
  if (along.length === shape.length) return column;
  const extents = along.map((k) => shape[k] ?? 1);
  const strides = along.map((k) => sizeOf(shape.slice(k + 1)));
  const length = sizeOf(extents);
  const inner = strides.at(-1) ?? 1;
  if (along.length === 1 && inner === 1) return columnOf(column.dtype, column.read(0, length).slice());
  const out = new ColumnWriter(scratch);
  for (let i = 0; i < length; i++) {
    let from = 0;
    for (let rest = i, k = extents.length - 1; k >= 0; k--) {
      const extent = extents[k] ?? 1;
      from += (rest % extent) * (strides[k] ?? 0);
      rest = Math.floor(rest / extent);
    }
    out.append(column.dtype, column.read(from, 1));
  }
  return out;
}
