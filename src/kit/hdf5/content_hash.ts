/**
 * Hashes of what an HDF5 file says, not of its bytes: a re-packed file of equal content has the same (rules F11, F13).
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { compareCodePoints } from "./code_points.ts";
import type { Hdf5Values } from "./decode.ts";
import { isBookkeeping } from "./conventions.ts";
import { Hdf5Dataset, Hdf5Group } from "./objects.ts";
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
 * Both hashes in one pass: every variable is read once, in slabs of at most 8 MiB. Where something outside the content
 * md5 can not be read (a filter, a type), the deep hash takes in the bytes of the file instead, so that no change is
 * missed.
 * @throws SyncError as `Hdf5Dataset.iterateSlabs`, for a variable of the root group
 */
export function hashContent(file: Hdf5File): ContentHashes {
  const md5 = createHash("md5");
  const deep = new DeepHash();
  hashGroup(file, file.root, deep, md5);
  const groups = [...file.walk()].filter((member) => member instanceof Hdf5Group)
    .filter((group) => group.path !== "/").sort((a, b) => compareCodePoints(a.path, b.path));
  for (const group of groups) hashGroup(file, group, deep, undefined);
  return { content_md5: md5.digest("hex"), deep_sha256: deep.digest(file.path) };
}

class DeepHash implements Sink {
  readonly #hash = createHash("sha256");
  #complete = true;

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  /** Parts that can not run into each other. */
  frame(...parts: string[]): void {
    this.update(JSON.stringify(parts));
  }

  /** Something is there that could not be read. */
  miss(): void {
    this.#complete = false;
  }

  digest(path: string): string {
    if (!this.#complete) {
      using file = Deno.openSync(path);
      const buffer = new Uint8Array(1024 * 1024);
      for (let n = file.readSync(buffer); n !== null; n = file.readSync(buffer)) {
        this.update(buffer.subarray(0, n));
      }
    }
    return this.#hash.digest("hex");
  }
}

/** `md5` is undefined in all groups but the root. */
function hashGroup(file: Hdf5File, group: Hdf5Group, deep: DeepHash, md5: Sink | undefined): void {
  deep.frame("group", group.path);
  for (const variable of listVariables(file, group)) hashVariable(variable, deep, md5);
  for (const member of file.members(group)) {
    if ("target" in member) deep.frame(member.kind, member.path, member.target ?? "");
  }
  const names = group.attributeNames().filter(isContent);
  // The root's attributes count in the order of their creation, for the md5 alone.
  for (const name of names) hashAttribute(group, name, undefined, md5);
  for (const name of names.toSorted(compareCodePoints)) hashAttribute(group, name, deep, undefined);
}

function hashVariable({ name, dataset }: Variable, deep: DeepHash, md5: Sink | undefined): void {
  md5?.update(`/${name}`);
  deep.frame("variable", name, JSON.stringify(dataset.shape), typeText(dataset.type));
  if (md5 && (dataset.shape ?? []).length > 0) hashValues(dataset, [deep, md5]);
  else if (dataset.isReadable()) hashValues(dataset, [deep]);
  else deep.miss();
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
  deep: DeepHash | undefined,
  md5: Sink | undefined,
): void {
  const { type, shape } = owner.attribute(name);
  md5?.update(name);
  deep?.frame("attribute", name, JSON.stringify(shape), typeText(type));
  if (unreadablePart(type) !== undefined) {
    deep?.miss();
    return;
  }
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
      return type.dtype;
    case "enum":
      return `${type.dtype}${JSON.stringify(type.members)}`;
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
