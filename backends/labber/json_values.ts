/** Values of an HDF5 file as JSON: settings, tables and configurations as Labber stores them. */
import type { Hdf5Values } from "../../src/kit/hdf5/decode.ts";
import { type Hdf5Type, unreadablePart } from "../../src/kit/hdf5/types.ts";
import type { LogDataset, LogGroup } from "./log_file.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The attributes of a group or dataset that can be read. */
export function attributesAsJson(object: LogGroup | LogDataset): Record<string, Json> {
  const attributes = object.attributeNames().map((name) => object.attribute(name))
    .filter(({ type }) => unreadablePart(type) === undefined);
  return Object.fromEntries(attributes.map(({ name, type, shape }) => {
    const values = object.attributeValues(name);
    return [name, values === null || shape === null ? null : nested(elements(values, type), shape)];
  }));
}

/** The rows of a table, each a map from field to value. */
export function tableAsJson(table: LogDataset): Record<string, Json>[] {
  const rows = table.type.kind === "compound" ? elements(table.read(), table.type) : [];
  return rows as Record<string, Json>[];
}

/** JSON text; numbers that JSON cannot hold are text, as `Infinity`. */
export function jsonText(value: Json, indent?: number): string {
  return JSON.stringify(value, null, indent);
}

/** One JSON value per element. */
function elements(values: Hdf5Values, type: Hdf5Type): Json[] {
  if (ArrayBuffer.isView(values)) {
    const numbers = Array.from(values as ArrayLike<number | bigint>, number);
    if (type.kind !== "number") return numbers;
    if (type.dtype === "bool") return numbers.map((v) => v === 1);
    if (type.dtype !== "c8" && type.dtype !== "c16") return numbers;
    return Array.from({ length: numbers.length / 2 }, (_, i): Json => ({
      real: numbers[2 * i] ?? null,
      imag: numbers[2 * i + 1] ?? null,
    }));
  }
  if (Array.isArray(values)) {
    if (type.kind !== "sequence") return values as string[];
    return (values as Hdf5Values[]).map((inner) => elements(inner, type.base));
  }
  if (type.kind !== "compound") return [];
  const columns = type.fields.map(({ name, type }) =>
    [name, elements(values.fields[name] ?? [], type)] as const
  );
  return Array.from(
    { length: columns[0]?.[1].length ?? 0 },
    (_, i) => Object.fromEntries(columns.map(([name, column]): [string, Json] => [name, column[i] ?? null])),
  );
}

/** Integers beyond 2^53, NaN and infinities stay text. */
function number(value: number | bigint): number | string {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  return Number.isFinite(value) ? value : String(value);
}

/** A flat list in the form of its shape; the only element of a scalar stands alone. */
function nested(list: Json[], shape: readonly number[]): Json {
  const [length, ...inner] = shape;
  if (length === undefined) return list[0] ?? null;
  if (inner.length === 0) return list;
  const step = list.length / Math.max(length, 1);
  return Array.from({ length }, (_, i) => nested(list.slice(i * step, (i + 1) * step), inner));
}
