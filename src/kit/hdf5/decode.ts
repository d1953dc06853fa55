/** Turns the bytes of elements into values. */
import type { NumericArray } from "../labelled.ts";
import { STORED } from "./stored_types.ts";
import type { Hdf5Type } from "./types.ts";

/**
 * Values of an HDF5 dataset or attribute, flat in C order: numbers (complex ones as re, im, re, im …; enumerations as
 * their numbers), text, one entry per field of a compound, one entry per element of a sequence, raw bytes.
 */
export type Hdf5Values = NumericArray | string[] | Hdf5Record | Hdf5Values[];
/** A compound, column by column. */
export interface Hdf5Record {
  fields: Record<string, Hdf5Values>;
}

/** Where the values of variable length are that the elements only point to. */
export interface VariableLengthStore {
  /** The text of the element at `at` in `bytes`, without its end mark. */
  text(bytes: Uint8Array, at: number): Uint8Array;
  /** The sequence of the element at `at`, of items of `itemBytes`: a copy. */
  sequence(bytes: Uint8Array, at: number, itemBytes: number): { length: number; bytes: Uint8Array };
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes `count` elements of `type` at the start of `bytes`, which must be a copy of its own.
 * @param swap reverse big-endian numbers: the library itself turns all but mixed compounds
 */
export function decode(
  store: VariableLengthStore,
  bytes: Uint8Array,
  type: Hdf5Type,
  count: number,
  swap = hasMixedOrder(type),
): Hdf5Values {
  switch (type.kind) {
    case "number":
    case "enum": {
      const { items, bytes: itemBytes } = STORED[type.dtype];
      if (swap && type.bigEndian) reverse(bytes, itemBytes / items);
      return numbers(bytes, type.dtype, count);
    }
    case "bytes":
      return bytes;
    case "text":
      return Array.from({ length: count }, (_, i) => text(store, bytes, type, i));
    case "array": {
      const size = type.shape.reduce((a, b) => a * b, 1);
      return decode(store, bytes, type.base, count * size, swap);
    }
    case "sequence":
      return Array.from({ length: count }, (_, i) => {
        const inner = store.sequence(bytes, i * type.bytes, type.base.bytes);
        return decode(store, inner.bytes, type.base, inner.length, swap);
      });
    case "compound": {
      const fields: Record<string, Hdf5Values> = {};
      for (const field of type.fields) {
        const column = new Uint8Array(count * field.type.bytes);
        for (let i = 0; i < count; i++) {
          const start = i * type.bytes + field.offset;
          column.set(bytes.subarray(start, start + field.type.bytes), i * field.type.bytes);
        }
        fields[field.name] = decode(store, column, field.type, count, swap);
      }
      return { fields };
    }
    case "unsupported":
      throw new TypeError(type.reason);
  }
}

function numbers(bytes: Uint8Array, dtype: keyof typeof STORED, count: number): NumericArray {
  const { container, items } = STORED[dtype];
  const values = new container(count * items);
  new Uint8Array(values.buffer).set(bytes.subarray(0, values.byteLength));
  return values;
}

function text(
  store: VariableLengthStore,
  bytes: Uint8Array,
  type: Hdf5Type & { kind: "text" },
  index: number,
): string {
  if (type.length === undefined) return utf8.decode(store.text(bytes, index * type.bytes));
  const start = index * type.length, limit = start + type.length;
  const end = bytes.indexOf(0, start);
  const value = utf8.decode(bytes.subarray(start, end === -1 || end > limit ? limit : end));
  return type.spacePadded ? value.replace(/ +$/, "") : value;
}

function reverse(bytes: Uint8Array, itemBytes: number): void {
  for (let i = 0; i + itemBytes <= bytes.length; i += itemBytes) bytes.subarray(i, i + itemBytes).reverse();
}

/** True when a compound holds numbers of both byte orders. */
function hasMixedOrder(type: Hdf5Type): boolean {
  const orders = new Set(byteOrders(type));
  return orders.size > 1;
}

function* byteOrders(type: Hdf5Type): Generator<boolean, void, undefined> {
  switch (type.kind) {
    case "number":
    case "enum":
      yield type.bigEndian;
      break;
    case "compound":
      for (const field of type.fields) yield* byteOrders(field.type);
      break;
    case "array":
    case "sequence":
      yield* byteOrders(type.base);
      break;
  }
}
