/**
 * Hashes of what an HDF5 file says, not of its bytes: a re-packed file of equal content has the same (rules F11, F13).
 */
import { createHash } from "node:crypto";
import { compareCodePoints } from "./code_points.ts";
import { isBookkeeping } from "./conventions.ts";
import { Hdf5Dataset, Hdf5Group } from "./objects.ts";
import type { Hdf5File } from "./open.ts";
import { NestedList } from "./python_text.ts";
import { type Hdf5Type, unreadablePart } from "./types.ts";
import { attributeBytes, elementTexts, typeText } from "./value_text.ts";
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
  for (const group of groupsBelowRoot(file)) hashGroup(file, group, deep, undefined);
  return { content_md5: md5.digest("hex"), deep_sha256: deep.digest(file.path) };
}

/** What is said about a measurement and may change after it. */
export interface Remarks {
  /** Paths of groups, without those below them. */
  groups: readonly string[];
  /** Names of attributes of the root. */
  attributes: readonly string[];
}

/** The deep hash of a file without remarks: it stays when only these change (S8). Throws as {@link hashContent}. */
export function hashWithout(file: Hdf5File, remarks: Remarks): string {
  const deep = new DeepHash();
  hashGroup(file, file.root, deep, undefined, (name) => !remarks.attributes.includes(name));
  for (const group of groupsBelowRoot(file)) {
    if (!remarks.groups.includes(group.path)) hashGroup(file, group, deep, undefined);
  }
  return deep.digest(file.path);
}

function groupsBelowRoot(file: Hdf5File): Hdf5Group[] {
  return [...file.walk()].filter((member) => member instanceof Hdf5Group)
    .filter((group) => group.path !== "/").sort((a, b) => compareCodePoints(a.path, b.path));
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
function hashGroup(
  file: Hdf5File,
  group: Hdf5Group,
  deep: DeepHash,
  md5: Sink | undefined,
  counts: (attribute: string) => boolean = () => true,
): void {
  deep.frame("group", group.path);
  for (const variable of listVariables(file, group)) hashVariable(variable, deep, md5);
  for (const member of file.members(group)) {
    if ("target" in member) deep.frame(member.kind, member.path, member.target ?? "");
  }
  const names = group.attributeNames().filter((name) => isContent(name) && counts(name));
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

function isNumeric(type: Hdf5Type): boolean {
  if (type.kind === "array") return isNumeric(type.base);
  return type.kind === "number" || type.kind === "enum" || type.kind === "bytes";
}

function isContent(name: string): boolean {
  return !isBookkeeping(name) && !name.startsWith("__NCH");
}
