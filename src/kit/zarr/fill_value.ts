/** Fill values: what the elements of a chunk without a file are. */
import { Buffer } from "node:buffer";
import type { ElementType } from "./element_type.ts";
import { isJsonObject, type JsonValue } from "./zarr_json.ts";
import { damaged, type Place } from "./zarr_error.ts";

/** One element: number, bigint (64-bit integers), boolean, text, or [re, im]. */
export type Scalar = number | bigint | boolean | string | [re: number, im: number];

/**
 * The fill value of an array, from its metadata. `null` and absence ("undefined" in format 2) read as zero or "",
 * as zarr-python does.
 * @throws SyncError `zarr_damaged` when it does not fit the type
 */
export function fillScalar(type: ElementType, value: JsonValue | undefined, place: Place): Scalar {
  const scalar = value === null || value === undefined ? zeroOf(type) : convert(type, value);
  if (scalar === undefined) {
    throw damaged(place, `fill_value ${String(value)} does not fit the type of the array`);
  }
  return scalar;
}

function zeroOf(type: ElementType): Scalar {
  if (type.dtype === "text") return "";
  if (type.dtype === "bool") return false;
  if (type.dtype === "i8" || type.dtype === "u8") return 0n;
  return type.pairs ? [0, 0] : 0;
}

function convert(type: ElementType, value: JsonValue): Scalar | undefined {
  switch (type.dtype) {
    case "text":
      return textOf(type, value);
    case "bool":
      return typeof value === "boolean" ? value : value === 0n || value === 1n ? value === 1n : undefined;
    case "i8":
    case "u8":
      // NaT is written by its name.
      if (value === "NaT") return -(2n ** 63n);
      if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
      return typeof value === "bigint" ? value : undefined;
    case "c8":
    case "c16":
      return complexOf(type, value);
    case "f4":
    case "f8":
      return floatOf(value, type.itemBytes ?? 8);
    default: {
      const integer = typeof value === "bigint" ? Number(value) : value;
      return typeof integer === "number" && Number.isInteger(integer) ? integer : undefined;
    }
  }
}

/** Fixed bytes are written in base64 in format 2; zarr-python also writes 0 for text. */
function textOf(type: ElementType, value: JsonValue): string | undefined {
  if (value === 0n) return "";
  if (typeof value !== "string") return undefined;
  return type.decodedAs.startsWith("v2:S")
    ? Buffer.from(value, "base64").toString().replaceAll("\0", "")
    : value;
}

/**
 * A float from metadata: a number, "NaN", "Infinity", "-Infinity", the bits as "0x7ff8…" (format 3), or xarray's
 * base64 of the little-endian bytes.
 */
export function floatOf(value: JsonValue, itemBytes: number): number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return Number(value);
  if (typeof value !== "string") return undefined;
  if (value === "NaN" || /^-?Infinity$/.test(value)) return Number(value);
  const bits = /^0x([0-9a-fA-F]+)$/.exec(value)?.[1];
  if (bits !== undefined) {
    return bits.length === 2 * itemBytes ? floatFromBytes(Buffer.from(bits, "hex").reverse()) : undefined;
  }
  const bytes = Buffer.from(value, "base64");
  return bytes.length === itemBytes || bytes.length === 8 ? floatFromBytes(bytes) : undefined;
}

function floatFromBytes(bytes: Buffer): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 2) return view.getFloat16(0, true);
  if (bytes.length === 4) return view.getFloat32(0, true);
  return bytes.length === 8 ? view.getFloat64(0, true) : undefined;
}

/** [re, im] (format 3), base64 of the bytes (format 2), or a real number. */
function complexOf(type: ElementType, value: JsonValue): Scalar | undefined {
  const half = (type.itemBytes ?? 16) / 2;
  const parts = Array.isArray(value) ? value : base64Halves(value, half) ?? [value, 0n];
  const [re, im] = parts.map((part) => isJsonObject(part) ? undefined : floatOf(part, half));
  return parts.length === 2 && re !== undefined && im !== undefined ? [re, im] : undefined;
}

function base64Halves(value: JsonValue, half: number): string[] | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  if (bytes.length !== 2 * half) return undefined;
  return [bytes.subarray(0, half).toString("base64"), bytes.subarray(half).toString("base64")];
}
