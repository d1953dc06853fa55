/** Pass 1: reads the rows of one measured parameter and its setpoints into columns. */
import type { Dtype, NumericArray, Values } from "../../src/kit/labelled.ts";
import { type Column, ColumnWriter } from "../../src/kit/grid/column.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import { decodeNpy } from "../../src/kit/npy.ts";
import {
  type PageRow,
  quoted,
  type ReadOnlyDatabase,
  type SqlValue,
} from "../../src/kit/sqlite/read_only_database.ts";
import { corrupt, type Run } from "./database.ts";
import { type ParamType, type RunDescription, treeOf } from "./interdependencies.ts";
import { round15 } from "./round15.ts";

export interface NamedColumn {
  name: string;
  column: Column;
}

/** A measured parameter, its setpoints (outer first) and what is inferred; all columns have the same length. */
export interface Tree {
  name: string;
  measured: Column;
  setpoints: NamedColumn[];
  inferred: NamedColumn[];
}

interface Target {
  name: string;
  type: ParamType;
  isSetpoint: boolean;
  column: ColumnWriter;
  /** Numbers of one page; reused, because garbage of arrays is collected late. */
  page: Float64Array;
}

/** Bytes of a page of rows that hold blobs or text. */
const PAGE_BYTES = 4 << 20;

/**
 * Reads a tree. Numbers of setpoints are rounded to 15 digits, measured ones keep all.
 * @throws SyncError `qcodes_corrupt` that names run, table, row and column
 */
export function collectTree(
  db: ReadOnlyDatabase,
  run: Run,
  description: RunDescription,
  name: string,
  scratch: Scratch,
): Tree {
  const { setpoints, inferred } = treeOf(description, name);
  const targets = [name, ...setpoints, ...inferred].map((n): Target => ({
    name: n,
    type: description.params.get(n)?.paramtype ?? "numeric",
    isSetpoint: setpoints.includes(n),
    column: new ColumnWriter(scratch),
    page: new Float64Array(0),
  }));
  const fill = targets.some((t) => t.type === "array") ? appendArrayRows : appendScalarRows;
  const pages = db.pages(run.resultTable, targets.map((t) => t.name), {
    where: `t.${quoted(name)} IS NOT NULL`,
    ...(targets.some((t) => t.type !== "numeric") ? { pageBytes: PAGE_BYTES } : {}),
  });
  for (const page of pages) fill(page, targets, run);
  const named = (names: string[]) =>
    names.flatMap((n) => targets.filter((t) => t.name === n).map(({ name, column }) => ({ name, column })));
  return {
    name,
    measured: (targets[0] as Target).column,
    setpoints: named(setpoints),
    inferred: named(inferred),
  };
}

function place(run: Run, row: PageRow, column: string): string {
  return `run ${run.runId}, table "${run.resultTable}", row ${row[0]}, column "${column}"`;
}

/** Rows of scalars: one point a row. */
function appendScalarRows(page: PageRow[], targets: readonly Target[], run: Run): void {
  targets.forEach((target, k) => {
    const key = k + 1;
    if (target.type === "numeric") {
      target.column.append("f8", numbersOf(page, key, target, run));
    } else if (target.type === "text") {
      target.column.append("text", page.map((row) => textOf(row[key], () => place(run, row, target.name))));
    } else {
      for (const row of page) {
        const { dtype, values } = complexOf(row[key], () => place(run, row, target.name));
        target.column.append(dtype, values);
      }
    }
  });
}

function numbersOf(page: PageRow[], key: number, target: Target, run: Run): Float64Array {
  if (target.page.length < page.length) target.page = new Float64Array(page.length);
  const numbers = target.page.subarray(0, page.length);
  // Setpoints repeat, and rounding is what costs time.
  let last = NaN;
  let lastRounded = NaN;
  for (let i = 0; i < page.length; i++) {
    const row = page[i] as PageRow;
    const cell = row[key];
    const number = typeof cell === "number" ? cell : numberOf(cell, () => place(run, row, target.name));
    if (target.isSetpoint) {
      if (number !== last) {
        last = number;
        lastRounded = round15(number);
      }
      numbers[i] = lastRounded;
    } else {
      numbers[i] = number;
    }
  }
  return numbers;
}

/** A numeric cell; NaN is stored as the text "nan", by the oldest writers as NULL. */
function numberOf(cell: SqlValue | undefined, where: () => string): number {
  if (typeof cell === "number") return cell;
  if (cell === null || cell === undefined) return NaN;
  if (typeof cell === "bigint") return Number(cell);
  if (typeof cell === "string") {
    const text = cell.trim().toLowerCase();
    if (/^[+-]?nan$/.test(text)) return NaN;
    if (/^[+-]?inf(inity)?$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
    if (text !== "" && Number.isFinite(Number(text))) return Number(text);
  }
  throw corrupt(where(), `expected a number, found ${describe(cell)}`);
}

function textOf(cell: SqlValue | undefined, where: () => string): string {
  if (cell instanceof Uint8Array) throw corrupt(where(), `expected text, found ${describe(cell)}`);
  return cell === null || cell === undefined ? "" : String(cell);
}

interface Decoded {
  dtype: Dtype;
  values: Values;
  /** Number of elements. */
  size: number;
}

function complexOf(cell: SqlValue | undefined, where: () => string): Decoded {
  if (!(cell instanceof Uint8Array)) {
    const real = numberOf(cell, where);
    return { dtype: "c16", values: Float64Array.of(real, Number.isNaN(real) ? NaN : 0), size: 1 };
  }
  const array = arrayOf(cell, where);
  if (array.size < 1 || array.dtype === "text") throw corrupt(where(), "expected a complex number");
  const first = array.values as NumericArray;
  if (array.dtype === "c8") return { dtype: "c8", values: first.slice(0, 2), size: 1 };
  const imaginary = array.dtype === "c16" ? Number(first[1]) : 0;
  return { dtype: "c16", values: Float64Array.of(Number(first[0]), imaginary), size: 1 };
}

function arrayOf(cell: SqlValue | undefined, where: () => string): Decoded {
  // A scalar that a writer put into an array column.
  if (!(cell instanceof Uint8Array)) {
    return { dtype: "f8", values: Float64Array.of(numberOf(cell, where)), size: 1 };
  }
  try {
    const { dtype, shape, values } = decodeNpy(cell);
    return { dtype, values, size: shape.reduce((a, b) => a * b, 1) };
  } catch (e) {
    throw corrupt(where(), e instanceof Error ? e.message : String(e), e);
  }
}

/** Rows with arrays: a point an element; scalars and arrays of one element are repeated. */
function appendArrayRows(page: PageRow[], targets: readonly Target[], run: Run): void {
  for (const row of page) {
    const decoded = targets.map((target, k): Decoded => {
      const where = () => place(run, row, target.name);
      const cell = row[k + 1];
      switch (target.type) {
        case "array":
          return arrayOf(cell, where);
        case "complex": {
          const { dtype, values } = complexOf(cell, where);
          return {
            dtype: "c16",
            values: dtype === "c8" ? Float64Array.from(values as Float32Array) : values,
            size: 1,
          };
        }
        case "text":
          return { dtype: "text", values: [textOf(cell, where)], size: 1 };
        case "numeric": {
          const number = numberOf(cell, where);
          return {
            dtype: "f8",
            values: Float64Array.of(target.isSetpoint ? round15(number) : number),
            size: 1,
          };
        }
      }
    });
    const sizes = decoded.filter((_, k) => targets[k]?.type === "array").map((d) => d.size);
    const size = sizes.includes(0) ? 0 : Math.max(...sizes);
    decoded.forEach((d, k) => {
      const target = targets[k] as Target;
      if (d.size === size) target.column.append(d.dtype, d.values);
      else if (d.size === 1) target.column.append(d.dtype, repeated(d, size));
      else {throw corrupt(
          place(run, row, target.name),
          `an array of ${d.size} values beside others of ${size}`,
        );}
    });
  }
}

function repeated(one: Decoded, size: number): Values {
  if (one.values instanceof Array) return new Array<string>(size).fill(one.values[0] ?? "");
  const n = one.values.length;
  const out = one.values.slice(0, 0).constructor as { new (length: number): NumericArray };
  const values = new out(size * n);
  if (n === 1) values.fill(one.values[0] as never);
  else for (let i = 0; i < values.length; i++) values[i] = one.values[i % n] as never;
  return values;
}

function describe(cell: SqlValue | undefined): string {
  if (cell instanceof Uint8Array) return `${cell.length} bytes`;
  return typeof cell === "string" ? `the text ${JSON.stringify(cell.slice(0, 40))}` : `${typeof cell}`;
}
