/** How the types of labelled arrays are stored in HDF5, in h5wasm's notation of types. */
import { SyncError } from "../errors.ts";
import type { Dtype, NumericArray, Values } from "../labelled.ts";

/** Every type but text, which is stored as variable-length UTF-8 strings. */
export type NumericDtype = Exclude<Dtype, "text">;

interface StoredType {
  /** Type in h5wasm's notation. */
  notation: string | [string, string][];
  /** Bytes of one element. */
  bytes: number;
  /** The class of array that holds values, and how many of its items make one element. */
  container: new (length: number) => NumericArray;
  items: number;
}

const complex = (part: string): [string, string][] => [["r", part], ["i", part]];

export const STORED: Record<NumericDtype, StoredType> = {
  f4: { notation: "<f", bytes: 4, container: Float32Array, items: 1 },
  f8: { notation: "<d", bytes: 8, container: Float64Array, items: 1 },
  i1: { notation: "<b", bytes: 1, container: Int8Array, items: 1 },
  i2: { notation: "<h", bytes: 2, container: Int16Array, items: 1 },
  i4: { notation: "<i", bytes: 4, container: Int32Array, items: 1 },
  i8: { notation: "<q", bytes: 8, container: BigInt64Array, items: 1 },
  u1: { notation: "<B", bytes: 1, container: Uint8Array, items: 1 },
  u2: { notation: "<H", bytes: 2, container: Uint16Array, items: 1 },
  u4: { notation: "<I", bytes: 4, container: Uint32Array, items: 1 },
  u8: { notation: "<Q", bytes: 8, container: BigUint64Array, items: 1 },
  // xarray's convention: int8 with the attribute dtype = "bool".
  bool: { notation: "<b", bytes: 1, container: Uint8Array, items: 1 },
  c8: { notation: complex("<f"), bytes: 8, container: Float32Array, items: 2 },
  c16: { notation: complex("<d"), bytes: 16, container: Float64Array, items: 2 },
};

/** Type of a list of numbers, by its class. */
const BY_CLASS: Record<string, NumericDtype> = {
  Float32Array: "f4",
  Float64Array: "f8",
  Int8Array: "i1",
  Int16Array: "i2",
  Int32Array: "i4",
  BigInt64Array: "i8",
  Uint8Array: "u1",
  Uint16Array: "u2",
  Uint32Array: "u4",
  BigUint64Array: "u8",
};

export function dtypeOfArray(values: NumericArray): NumericDtype {
  return BY_CLASS[values.constructor.name] ?? "f8";
}

/** One value as an array of that type; what does not fit becomes 0. */
export function oneValue(dtype: NumericDtype, value: number | bigint): NumericArray {
  const array = new STORED[dtype].container(1);
  if (array instanceof BigInt64Array || array instanceof BigUint64Array) {
    array[0] = typeof value === "bigint" ? value : BigInt(Math.trunc(value) || 0);
  } else array[0] = Number(value);
  return array;
}

/**
 * The raw little-endian bytes of `length` elements.
 * @throws SyncError `netcdf_invalid_dataset` when the values are not of that type or number
 */
export function rawBytes(what: string, dtype: NumericDtype, values: Values, length: number): Uint8Array {
  const { container, items } = STORED[dtype];
  if (!(values instanceof container) || values.length !== length * items) {
    const kind = Array.isArray(values) ? "text" : values.constructor.name;
    throw invalidDataset(
      `${what}: ${length} elements of ${dtype} are ${length * items} items of ${container.name}, ` +
        `not ${values.length} of ${kind}`,
    );
  }
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The error for a labelled dataset that contradicts itself. */
export function invalidDataset(message: string): SyncError {
  return new SyncError("data", "netcdf_invalid_dataset", message, {
    hint: "The backend or converter that made this dataset has a bug: report it with the item's name.",
  });
}
