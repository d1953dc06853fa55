/** What groups and datasets of an open HDF5 file have in common: a path and attributes. */
import type { Metadata } from "h5wasm/node";
import { type NumericArray, sizeOf } from "../labelled.ts";
import { isBookkeeping } from "./conventions.ts";
import { decode, type Hdf5Values } from "./decode.ts";
import { copyOut, type FileContext, libraryStore, requireReadable, withBuffer } from "./file_context.ts";
import { describeType, type Hdf5Type, isVariableLength, unreadablePart } from "./types.ts";

export interface Hdf5Attribute {
  name: string;
  type: Hdf5Type;
  /** [] for a scalar, null for an attribute without value. */
  shape: number[] | null;
}

/** The value of an attribute in its simplest form: a scalar or the only element of a list stands alone. */
export type Hdf5AttributeValue = string | number | bigint | boolean | null | Hdf5Values;

/** A group or dataset. */
export abstract class Hdf5Object {
  constructor(protected readonly file: FileContext, readonly path: string) {}

  get name(): string {
    return this.path.slice(this.path.lastIndexOf("/") + 1);
  }

  /** Names of the attributes in order of creation where the file keeps it, else by name. */
  attributeNames(): string[] {
    return this.file.call(
      `attributes of ${this.path}`,
      () => this.file.module.get_attribute_names(this.file.id, this.path),
    );
  }

  /** Type and shape of an attribute that exists. */
  attribute(name: string): Hdf5Attribute {
    const metadata = this.#metadata(name);
    return { name, type: describeType(metadata), shape: metadata.shape };
  }

  /**
   * All values of an attribute, flat in C order; null without value.
   * @throws SyncError `hdf5_unsupported_type`
   */
  attributeValues(name: string): Hdf5Values | null {
    const { file, path } = this;
    const what = `attribute ${name} of ${path}`;
    const metadata = this.#metadata(name);
    const type = describeType(metadata);
    if (metadata.shape === null) return null;
    requireReadable(file, what, type);
    const count = sizeOf(metadata.shape);
    return file.call(what, () =>
      withBuffer(file, Math.max(count, 1) * type.bytes, (pointer) => {
        file.module.get_attribute_data(file.id, path, name, pointer);
        try {
          return decode(libraryStore(file.module), copyOut(file, pointer, count * type.bytes), type, count);
        } finally {
          if (isVariableLength(type)) file.module.reclaim_vlen_memory(file.id, path, name, pointer);
        }
      }));
  }

  /**
   * An attribute in its simplest form; undefined when there is none of that name.
   * @throws SyncError `hdf5_unsupported_type`
   */
  attributeValue(name: string): Hdf5AttributeValue | undefined {
    return this.attributeNames().includes(name) ? this.#simplest(this.attribute(name)) : undefined;
  }

  /** The attributes that can be read, in simplest form, without the bookkeeping of HDF5 and netCDF. */
  attributes(): Record<string, Hdf5AttributeValue> {
    const names = this.attributeNames().filter((name) => !isBookkeeping(name));
    const readable = names.map((name) => this.attribute(name)).filter(({ type }) => !unreadablePart(type));
    return Object.fromEntries(readable.map((attribute) => [attribute.name, this.#simplest(attribute)]));
  }

  #simplest({ name, type }: Hdf5Attribute): Hdf5AttributeValue {
    const values = this.attributeValues(name);
    if (values === null || !hasLength(values) || values.length !== 1) return values;
    const value = values[0] ?? null;
    return type.kind === "number" && type.dtype === "bool" ? value === 1 : value;
  }

  #metadata(name: string): Metadata {
    return this.file.call(
      `attribute ${name} of ${this.path}`,
      () => this.file.module.get_attribute_metadata(this.file.id, this.path, name),
    );
  }
}

function hasLength(values: Hdf5Values): values is NumericArray | string[] | Hdf5Values[] {
  return Array.isArray(values) || ArrayBuffer.isView(values);
}
