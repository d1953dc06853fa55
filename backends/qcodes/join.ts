/**
 * Puts the arrangements of several measured parameters into one data set: an outer join on shared setpoints, as
 * xarray.merge does it. What cannot share coordinates becomes a block of its own.
 */
import type { Values } from "../../src/kit/labelled.ts";
import { sizeOf } from "../../src/kit/labelled.ts";
import { allCells, type Cells, cellsOf, type Placement } from "../../src/kit/grid/cells.ts";
import { chunksOf, type Column, columnOf, ColumnWriter } from "../../src/kit/grid/column.ts";
import { isUnique, type Levels, levelsOf, search } from "../../src/kit/grid/levels.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import type { Arranged, Variable } from "./arrange.ts";
import { corrupt } from "./database.ts";

/** A dimension of a block: its coordinate, and where each member's positions went. */
export interface JoinedAxis {
  name: string;
  values: Column;
  /** Position in the joined axis of a member's positions; absent when they are the same. */
  moved: Map<Arranged, Uint32Array>;
}

export interface JoinedMulti {
  names: string[];
  levels: Levels[];
  /** Cell of every point, in order. */
  codes: Placement;
  length: number;
  /** Position of a member's points in the joined order; absent when they are the same. */
  moved: Map<Arranged, Placement>;
}

/** Measured parameters that share their coordinates. */
export interface Block {
  members: Arranged[];
  axes: Map<string, JoinedAxis>;
  multi: JoinedMulti | null;
  /** Length of the dimension `index`, or null when there is none. */
  index: number | null;
}

export interface PlacedVariable extends Variable {
  dims: string[];
  shape: number[];
  /** Cell of every value; null when they are in order and complete. */
  place: Placement | null;
}

/**
 * Groups arrangements into as few blocks as possible; the first block holds the first arrangement.
 * @throws SyncError `qcodes_corrupt` when a parameter is its own setpoint or has one twice
 */
export function joinAll(arranged: readonly Arranged[], scratch: Scratch): Block[] {
  const together = arranged.length > 0 ? tryJoin([...arranged], scratch) : null;
  if (together) return [together];
  const blocks: Block[] = [];
  for (const next of arranged) {
    const home = blocks.some((block) =>
      formsOf(next).some((form) => {
        const joined = tryJoin([...block.members, form], scratch);
        if (joined) Object.assign(block, joined);
        return joined !== null;
      })
    );
    if (home) continue;
    const alone = tryJoin([next], scratch);
    if (!alone) throw corrupt(`parameter "${next.name}"`, "it and its setpoints contradict each other");
    blocks.push(alone);
  }
  return blocks;
}

/** A parameter without any row fits into every form, so it needs no block of its own. */
function formsOf(arranged: Arranged): Arranged[] {
  const { name, form, variables } = arranged;
  if (form.kind !== "grid" || variables.some((v) => v.column.length > 0)) return [arranged];
  const names = form.axes.map((a) => a.name);
  const columns = form.axes.map((a) => a.values);
  const levels = columns.map(levelsOf);
  const measured = variables.filter((v) => v.name === name);
  return [
    arranged,
    {
      ...arranged,
      form: { kind: "multi", names, levels, columns, cells: cellsOf(columns, levels) },
      variables: measured,
    },
    { ...arranged, form: { kind: "index", length: 0 }, variables: measured },
  ];
}

/** @returns null when the members contradict each other */
function tryJoin(members: Arranged[], scratch: Scratch): Block | null {
  if (!rolesAgree(members)) return null;
  const axes = joinAxes(members, scratch);
  const multi = joinMulti(members, scratch);
  if (axes === null || multi === undefined) return null;
  const lengths = members.flatMap((m) => m.form.kind === "index" ? [m.form.length] : []);
  const block = { members, axes, multi, index: lengths.length > 0 ? Math.max(...lengths) : null };
  return variablesAgree(block) ? block : null;
}

/** A name is an axis, a level of one multi-index, or a variable, and the same for all. */
function rolesAgree(members: readonly Arranged[]): boolean {
  const roles = new Map<string, string>();
  const claim = (name: string, role: string) => {
    const known = roles.get(name);
    if (known === undefined) roles.set(name, role);
    return known === undefined || known === role;
  };
  return members.every(({ form, variables }) =>
    (form.kind !== "grid" || form.axes.every((a) => claim(a.name, "axis"))) &&
    (form.kind !== "multi" || claim("multi_index", form.names.join(" ")) &&
        form.names.every((n) => claim(n, `level of ${form.names.join(" ")}`))) &&
    variables.every((v) => claim(v.name, `variable on ${dimsOf(form, v).join(" ")}`))
  );
}

function dimsOf(form: Arranged["form"], variable: Variable): string[] {
  if (variable.axes) return variable.axes;
  return form.kind === "grid"
    ? form.axes.map((a) => a.name)
    : [form.kind === "multi" ? "multi_index" : "index"];
}

function joinAxes(members: readonly Arranged[], scratch: Scratch): Map<string, JoinedAxis> | null {
  const found = new Map<string, { member: Arranged; values: Column }[]>();
  for (const member of members) {
    for (const axis of member.form.kind === "grid" ? member.form.axes : []) {
      const list = found.get(axis.name) ?? [];
      found.set(axis.name, [...list, { member, values: axis.values }]);
    }
  }
  const axes = new Map<string, JoinedAxis>();
  for (const [name, parts] of found) {
    const axis = joinAxis(name, parts, scratch);
    if (!axis) return null;
    axes.set(name, axis);
  }
  return axes;
}

function joinAxis(
  name: string,
  parts: readonly { member: Arranged; values: Column }[],
  scratch: Scratch,
): JoinedAxis | null {
  const filled = parts.filter((p) => p.values.length > 0);
  const first = (filled[0] ?? parts[0])?.values;
  if (!first) return null;
  const moved = new Map<Arranged, Uint32Array>();
  if (filled.every((p) => sameColumn(p.values, first))) {
    for (const p of parts) if (p.values.length !== first.length) moved.set(p.member, new Uint32Array(0));
    return { name, values: first, moved };
  }
  const distinct = distinctColumns(filled.map((p) => p.values));
  if (!distinct.every(isUnique)) return null;
  const levels = levelsOf(concatenated(distinct, scratch));
  if (levels.missing) return null;
  for (const { member, values } of parts) moved.set(member, levels.ranks(values.read(0, values.length)));
  return { name, values: levels.column, moved };
}

/** @returns null when there is no multi-index, undefined when they cannot be joined */
function joinMulti(members: readonly Arranged[], scratch: Scratch): JoinedMulti | null | undefined {
  const parts = members.flatMap((member) =>
    member.form.kind === "multi" ? [{ member, form: member.form }] : []
  );
  const first = parts[0]?.form;
  if (!first) return null;
  const moved = new Map<Arranged, Placement>();
  const { names } = first;
  if (parts.every(({ form }) => form.columns.every((c, k) => sameColumn(c, first.columns[k] as Column)))) {
    return { names, levels: first.levels, codes: first.cells.place, length: first.cells.length, moved };
  }
  const levels = names.map((_, k) =>
    levelsOf(concatenated(parts.map(({ form }) => (form.levels[k] as Levels).column), scratch))
  );
  const inJoined = parts.map(({ member, form }) => ({ member, cells: cellsOf(form.columns, levels) }));
  if ((inJoined[0]?.cells.size ?? 0) > Number.MAX_SAFE_INTEGER) return undefined;
  const codes = union(inJoined.map((p) => p.cells));
  for (const { member, cells } of inJoined) {
    moved.set(member, (start, length) => cells.place(start, length).map((cell) => search(codes, cell)));
  }
  return {
    names,
    levels,
    codes: (start, length) => codes.subarray(start, start + length),
    length: codes.length,
    moved,
  };
}

function union(parts: readonly Cells[]): Float64Array {
  const all = new Float64Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(allCells(part), at);
    at += part.length;
  }
  all.sort();
  let n = 0;
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[n - 1]) all[n++] = all[i] as number;
  return all.slice(0, n);
}

/** Variables that several members bring along must be the same at the same points. */
function variablesAgree(block: Block): boolean {
  const seen = new Map<string, { member: Arranged; variable: Variable }>();
  return block.members.every((member) =>
    member.variables.every((variable) => {
      const other = seen.get(variable.name);
      seen.set(variable.name, { member, variable });
      if (!other) return true;
      const a = placeVariable(block, other.member, other.variable),
        b = placeVariable(block, member, variable);
      return sameColumn(a.column, b.column) && samePlacement(a, b);
    })
  );
}

/** All variables of a block, each once, with their places in the joined dimensions. */
export function placedVariables(block: Block): PlacedVariable[] {
  const placed = new Map<string, PlacedVariable>();
  for (const member of block.members) {
    for (const variable of member.variables) {
      if (!placed.has(variable.name)) placed.set(variable.name, placeVariable(block, member, variable));
    }
  }
  return [...placed.values()];
}

function placeVariable(block: Block, member: Arranged, variable: Variable): PlacedVariable {
  const { form } = member;
  const dims = dimsOf(form, variable);
  if (form.kind === "index") return { ...variable, dims, shape: [block.index ?? form.length], place: null };
  if (form.kind === "multi") {
    const place = block.multi?.moved.get(member) ?? null;
    return { ...variable, dims, shape: [block.multi?.length ?? form.cells.length], place };
  }
  const own = dims.map((n) => form.axes.find((a) => a.name === n)?.values.length ?? 1);
  const joined = dims.map((n) => block.axes.get(n));
  const shape = joined.map((axis, k) => axis?.values.length ?? own[k] ?? 1);
  const ownPlace = variable.axes ? null : form.place;
  const moved = joined.map((axis) => axis?.moved.get(member));
  return {
    ...variable,
    dims,
    shape,
    place: moved.every((m) => !m) ? ownPlace : remap(ownPlace, own, moved, shape),
  };
}

/** Places points given in a member's own grid into the joined one. */
function remap(
  place: Placement | null,
  own: readonly number[],
  moved: readonly (Uint32Array | undefined)[],
  joined: readonly number[],
): Placement {
  const strides = joined.map((_, k) => sizeOf(joined.slice(k + 1)));
  return (start, length) => {
    const cells = place ? place(start, length) : Float64Array.from({ length }, (_, i) => start + i);
    return cells.map((cell) => {
      let target = 0;
      for (let rest = cell, k = own.length - 1; k >= 0; k--) {
        const extent = own[k] ?? 1;
        const position = rest % extent;
        rest = Math.floor(rest / extent);
        target += (moved[k]?.[position] ?? position) * (strides[k] ?? 0);
      }
      return target;
    });
  };
}

function samePlacement(a: PlacedVariable, b: PlacedVariable): boolean {
  if (a.place === b.place) return true;
  const cells = (v: PlacedVariable, start: number, length: number) =>
    v.place ? v.place(start, length) : Float64Array.from({ length }, (_, i) => start + i);
  for (const { start, values } of chunksOf(a.column)) {
    const length = Math.min(values.length, a.column.length - start);
    const x = cells(a, start, length), y = cells(b, start, length);
    if (x.some((cell, i) => cell !== y[i])) return false;
  }
  return true;
}

function distinctColumns(columns: readonly Column[]): Column[] {
  const distinct: Column[] = [];
  for (const c of columns) if (!distinct.some((d) => sameColumn(c, d))) distinct.push(c);
  return distinct;
}

function concatenated(columns: readonly Column[], scratch: Scratch): Column {
  const all = new ColumnWriter(scratch);
  for (const column of columns) for (const { values } of chunksOf(column)) all.append(column.dtype, values);
  return all.length > 0 ? all : columnOf("f8", new Float64Array(0));
}

/** Equal values in equal order; NaN equals NaN. */
function sameColumn(a: Column, b: Column): boolean {
  if (a === b) return true;
  if (a.length !== b.length || (a.dtype === "text") !== (b.dtype === "text")) return false;
  for (const { start, values } of chunksOf(a)) {
    if (!sameValues(values, b.read(start, Math.min(values.length, b.length - start)))) return false;
  }
  return true;
}

function sameValues(x: Values, y: Values): boolean {
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++) {
    const p = x[i], q = y[i];
    if (p !== q && !(Number.isNaN(p) && Number.isNaN(q))) return false;
  }
  return true;
}
