/** The rows of one measured parameter as values: how the cells of a result table are decoded. */
import { type Dtype, type NumericArray, sizeOf, type Values } from "../../src/kit/labelled.ts";
import { decodeNpy } from "../../src/kit/npy.ts";
import {
  type PageOptions,
  type PageRow,
  quoted,
  type ReadOnlyDatabase,
  type SqlValue,
} from "../../src/kit/sqlite/read_only_database.ts";
import { corrupt, type Run } from "./database.ts";
import { type ParamType, type RunDescription, treeOf } from "./interdependencies.ts";
import { round15 } from "./round15.ts";

/** Takes values in order; it copies what it keeps. */
export interface ValueSink {
  append(dtype: Dtype, values: Values): void;
}

/** One parameter of a tree, and where its values go. */
export interface Target<Sink extends ValueSink> {
  name: string;
  type: ParamType;
  role: "measured" | "setpoint" | "inferred";
  column: Sink;
  /** Numbers of one page; reused, because garbage of arrays is collected late. */
  page: Float64Array;
}

/** The measured parameter, its setpoints (outer first), what is inferred. */
export type Targets<Sink extends ValueSink> = [Target<Sink>, ...Target<Sink>[]];

/** Bytes of a page of rows that hold blobs or text. */
const PAGE_BYTES = 4 << 20;

/** What the rows of a measured parameter hold. */
export function targetsOf<Sink extends ValueSink>(
  description: RunDescription,
  name: string,
  column: () => Sink,
): Targets<Sink> {
  const { setpoints, inferred } = treeOf(description, name);
  const target = (name: string, role: Target<Sink>["role"]): Target<Sink> => ({
    name,
    type: description.params.get(name)?.paramtype ?? "numeric",
    role,
    column: column(),
    page: new Float64Array(0),
  });
  return [
    target(name, "measured"),
    ...setpoints.map((n) => target(n, "setpoint")),
    ...inferred.map((n) => target(n, "inferred")),
  ];
}

/** The rows of a tree in order, in pages of some megabytes. */
export function treePages(
  db: ReadOnlyDatabase,
  run: Pick<Run, "resultTable">,
  targets: Targets<ValueSink>,
  range: Pick<PageOptions, "after" | "upTo"> = {},
): Generator<PageRow[], void, undefined> {
  return db.pages(run.resultTable, targets.map((t) => t.name), {
    where: `t.${quoted(targets[0].name)} IS NOT NULL`,
    ...(targets.some((t) => t.type !== "numeric") ? { pageBytes: PAGE_BYTES } : {}),
    ...range,
  });
}

/**
 * Decodes a page: a point a row or, where there are arrays, an element.
 * @returns the shape of every row's arrays; nothing where there are none
 * @throws SyncError `qcodes_corrupt` that names run, table, row and column
 */
export function appendRows(
  page: PageRow[],
  targets: Targets<ValueSink>,
  run: RunPlace,
): number[][] {
  if (targets.some((t) => t.type === "array")) return appendArrayRows(page, targets, run);
  appendScalarRows(page, targets, run);
  return [];
}

/** What names a row in messages. */
type RunPlace = Pick<Run, "runId" | "resultTable">;
type AnyTarget = Target<ValueSink>;

function place(run: RunPlace, row: PageRow, column: string): string {
  return `run ${run.runId}, table "${run.resultTable}", row ${row[0]}, column "${column}"`;
}

/** Rows of scalars: one point a row. */
function appendScalarRows(page: PageRow[], targets: readonly AnyTarget[], run: RunPlace): void {
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

function numbersOf(page: PageRow[], key: number, target: AnyTarget, run: RunPlace): Float64Array {
  if (target.page.length < page.length) target.page = new Float64Array(page.length);
  const numbers = target.page.subarray(0, page.length);
  // Setpoints repeat, and rounding is what costs time.
  let last = NaN;
  let lastRounded = NaN;
  for (let i = 0; i < page.length; i++) {
    const row = page[i] as PageRow;
    const cell = row[key];
    const number = typeof cell === "number" ? cell : numberOf(cell, () => place(run, row, target.name));
    if (target.role === "setpoint") {
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
  /** Of an array. */
  shape?: number[];
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
    return { dtype, values, shape, size: sizeOf(shape) };
  } catch (e) {
    throw corrupt(where(), e instanceof Error ? e.message : String(e), e);
  }
}

/** Rows with arrays: a point an element; scalars and arrays of one element are repeated. */
function appendArrayRows(page: PageRow[], targets: readonly AnyTarget[], run: RunPlace): number[][] {
  return page.map((row) => {
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
            values: Float64Array.of(target.role === "setpoint" ? round15(number) : number),
            size: 1,
          };
        }
      }
    });
    const sizes = decoded.filter((_, k) => targets[k]?.type === "array").map((d) => d.size);
    const size = sizes.includes(0) ? 0 : Math.max(...sizes);
    decoded.forEach((d, k) => {
      const target = targets[k] as AnyTarget;
      if (d.size === size) target.column.append(d.dtype, d.values);
      else if (d.size === 1) target.column.append(d.dtype, repeated(d, size));
      else {throw corrupt(
          place(run, row, target.name),
          `an array of ${d.size} values beside others of ${size}`,
        );}
    });
    return decoded.find((d) => d.shape && d.size === size)?.shape ?? [size];
  });
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
