/**
 * Hashes of what an HDF5 file says, not of its bytes: a re-packed file of equal content has the same (rules F11, F13).
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { compareCodePoints } from "./code_points.ts";
import type { Hdf5Values } from "./decode.ts";
import { Hdf5Dataset, Hdf5Group, isBookkeeping } from "./objects.ts";
import type { Hdf5File } from "./open.ts";
import { NestedList, pythonFloat, pythonFloat32, pythonString } from "./python_text.ts";
import { type Hdf5Type, unreadablePart } from "./types.ts";
import { listVariables, type Variable } from "./variables.ts";

export interface ContentHashes {
  /** F11: variables of rank ≥ 1 and attributes of the root group. */
  content_md5: string;
  /** F13: all groups, scalars too, with types and shapes. */
  deep_sha256: string;
}

interface Sink {
  update(data: string | Uint8Array): unknown;
}

/**
 * Both hashes in one pass: every variable is read once, in slabs of at most 8 MiB.
 * @throws SyncError as `Hdf5Dataset.iterateSlabs`, for a variable of the root group; elsewhere what can not be read
 * enters the deep hash by its type alone
 */
export function hashContent(file: Hdf5File): ContentHashes {
  const md5 = createHash("md5"), deep = createHash("sha256");
  hashGroup(file, file.root, deep, md5);
  const groups = [...file.walk()].filter((member) => member instanceof Hdf5Group && member.path !== "/")
    .sort((a, b) => compareCodePoints(a.path, b.path));
  for (const group of groups) {
    if (group instanceof Hdf5Group) hashGroup(file, group, deep, undefined);
  }
  return { content_md5: md5.digest("hex"), deep_sha256: deep.digest("hex") };
}

/** `md5` is undefined in all groups but the root. */
function hashGroup(file: Hdf5File, group: Hdf5Group, deep: Sink, md5: Sink | undefined): void {
  frame(deep, "group", group.path);
  for (const variable of listVariables(file, group)) hashVariable(variable, deep, md5);
  const names = group.attributeNames().filter(isContent);
  // The root's attributes count in the order of their creation, for the md5 alone.
  for (const name of names) hashAttribute(group, name, undefined, md5);
  for (const name of names.toSorted(compareCodePoints)) hashAttribute(group, name, deep, undefined);
}

function hashVariable({ name, dataset }: Variable, deep: Sink, md5: Sink | undefined): void {
  md5?.update(`/${name}`);
  frame(deep, "variable", name, JSON.stringify(dataset.shape), typeText(dataset.type));
  const flat = md5 !== undefined && (dataset.shape ?? []).length > 0;
  if (flat || unreadablePart(dataset.type) === undefined) {
    hashValues(dataset, flat && md5 ? [deep, md5] : [deep]);
  }
  for (const attribute of dataset.attributeNames().filter(isContent).sort(compareCodePoints)) {
    hashAttribute(dataset, attribute, deep, md5);
  }
}

function hashValues(dataset: Hdf5Dataset, sinks: Sink[]): void {
  const list = new NestedList(dataset.shape ?? []);
  let listed = !isNumeric(dataset.type);
  for (const slab of dataset.iterateSlabs()) {
    if (ArrayBuffer.isView(slab)) {
      listed = false;
      for (const sink of sinks) sink.update(new Uint8Array(slab.buffer, slab.byteOffset, slab.byteLength));
    } else {
      const text = elementTexts(slab, dataset.type).map((element) => list.next(element)).join("");
      for (const sink of sinks) sink.update(text);
    }
  }
  if (listed) { for (const sink of sinks) sink.update(list.end()); }
}

/** F11.2: name, then the value as bytes (two or more numbers) or as text. */
function hashAttribute(
  owner: Hdf5Group | Hdf5Dataset,
  name: string,
  deep: Sink | undefined,
  md5: Sink | undefined,
): void {
  const { type, shape } = owner.attribute(name);
  md5?.update(name);
  if (deep) frame(deep, "attribute", name, JSON.stringify(shape), typeText(type));
  if (unreadablePart(type) !== undefined) return;
  const values = owner.attributeValues(name);
  if (values === null) return;
  const bytes = attributeBytes(values, type);
  md5?.update(bytes);
  deep?.update(bytes);
}

function attributeBytes(values: Hdf5Values, type: Hdf5Type): Uint8Array {
  if (ArrayBuffer.isView(values) && elementCount(values, type) >= 2) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const elements = elementTexts(values, type);
  if (elements.length !== 1) return Buffer.from(`[${elements.join(", ")}]`);
  // Alone, text stands without quotes.
  return Buffer.from(Array.isArray(values) && typeof values[0] === "string" ? values[0] : elements[0] ?? "");
}

function elementCount(values: Hdf5Values, type: Hdf5Type): number {
  if (!ArrayBuffer.isView(values)) return elementTexts(values, type).length;
  return type.kind === "number" || type.kind === "enum" || type.kind === "bytes"
    ? values.byteLength / type.bytes
    : values.length;
}

/** Each element as Python prints it inside a list. */
function elementTexts(values: Hdf5Values, type: Hdf5Type): string[] {
  if (ArrayBuffer.isView(values)) {
    if (type.kind === "number" && (type.dtype === "c8" || type.dtype === "c16")) return complexTexts(values);
    if (type.kind === "number" && type.dtype === "bool") {
      return Array.from<number | bigint, string>(values, (value) => value ? "True" : "False");
    }
    if (values instanceof Float32Array) return Array.from(values, pythonFloat32);
    if (values instanceof Float64Array) return Array.from(values, (value) => pythonFloat(value));
    return Array.from(values, String);
  }
  if (Array.isArray(values)) {
    return values.map((value) => typeof value === "string" ? pythonString(value) : listText(value, type));
  }
  const columns = Object.entries(values.fields).map(([name, column]) => {
    const field = type.kind === "compound"
      ? type.fields.find((candidate) => candidate.name === name)
      : undefined;
    return field ? elementTexts(column, field.type) : [];
  });
  const length = Math.max(0, ...columns.map((column) => column.length));
  return Array.from({ length }, (_, i) => `(${columns.map((column) => column[i] ?? "").join(", ")})`);
}

function complexTexts(values: ArrayLike<number | bigint>): string[] {
  return Array.from({ length: values.length / 2 }, (_, i) => {
    const re = Number(values[2 * i]), im = Number(values[2 * i + 1]);
    const number = (value: number) => pythonFloat(value).replace(/\.0$/, "");
    const imaginary = number(im);
    if (Object.is(re, 0)) return `${imaginary}j`;
    return `(${number(re)}${/^-/.test(imaginary) ? "" : "+"}${imaginary}j)`;
  });
}

function listText(value: Hdf5Values, type: Hdf5Type): string {
  return `[${elementTexts(value, type.kind === "sequence" ? type.base : type).join(", ")}]`;
}

function isNumeric(type: Hdf5Type): boolean {
  if (type.kind === "array") return isNumeric(type.base);
  return type.kind === "number" || type.kind === "enum" || type.kind === "bytes";
}

/** A type as text, for the deep hash; byte order does not matter. */
function typeText(type: Hdf5Type): string {
  switch (type.kind) {
    case "number":
    case "enum":
      return type.dtype;
    case "compound":
      return `{${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join()}}`;
    case "array":
      return `${typeText(type.base)}[${type.shape.join()}]`;
    case "sequence":
      return `${typeText(type.base)}[]`;
    case "text":
      return "text";
    case "bytes":
      return `bytes${type.bytes}`;
    case "unsupported":
      return type.reason;
  }
}

function isContent(name: string): boolean {
  return !isBookkeeping(name) && !name.startsWith("__NCH");
}

/** Parts that can not run into each other. */
function frame(sink: Sink, ...parts: string[]): void {
  sink.update(JSON.stringify(parts));
}
