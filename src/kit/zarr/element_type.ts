/** Element types of Zarr arrays: how chunks are decoded, and which stored type they become. */
import type { DataType } from "zarrita";
import { z } from "zod";
import type { Attributes, Dtype } from "../labelled.ts";
import { type Place, unsupported } from "./zarr_error.ts";

export interface ElementType {
  /** The type zarrita decodes chunks as; complex numbers are pairs of its floats, which zarrita does not know. */
  decodedAs: DataType;
  pairs: boolean;
  /** Bytes of one element in a chunk; undefined for text of any length. */
  itemBytes: number | undefined;
  dtype: Dtype;
  /** CF attributes that tell the meaning of datetime64 and timedelta64, which are stored as int64 counts. */
  timeAttributes: Attributes;
}

const CORE: Record<string, [decodedAs: DataType, bytes: number, dtype: Dtype, pairs?: true]> = {
  bool: ["bool", 1, "bool"],
  int8: ["int8", 1, "i1"],
  int16: ["int16", 2, "i2"],
  int32: ["int32", 4, "i4"],
  int64: ["int64", 8, "i8"],
  uint8: ["uint8", 1, "u1"],
  uint16: ["uint16", 2, "u2"],
  uint32: ["uint32", 4, "u4"],
  uint64: ["uint64", 8, "u8"],
  // netCDF has no half floats; every half float is a float.
  float16: ["float16", 2, "f4"],
  float32: ["float32", 4, "f4"],
  float64: ["float64", 8, "f8"],
  complex64: ["float32", 8, "c8", true],
  complex128: ["float64", 16, "c16", true],
};

/** NumPy's letter codes of format 2, for example `<f8`. */
const NUMPY: Record<string, string> = {
  b1: "bool",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
};

/** The units of datetime64 in CF words, as xarray decodes them. Coarser ones (months, years) have no fixed length. */
const TIME_UNITS: Record<string, string> = {
  ns: "nanoseconds",
  us: "microseconds",
  ms: "milliseconds",
  s: "seconds",
  m: "minutes",
  h: "hours",
  D: "days",
};

/** Longest fixed text that is read, in characters. */
const MAX_CHARACTERS = 1 << 20;

/** Type of a format-2 `dtype` such as `<f8`, `|S5`, `>U3`, `|O`, `<M8[ns]`, with its byte order. */
export function elementTypeV2(dtype: unknown, place: Place): { type: ElementType; bigEndian: boolean } {
  const match = typeof dtype === "string" ? /^([<>|])([a-zA-Z])(\d*)(?:\[(\w+)\])?$/.exec(dtype) : null;
  if (match) {
    const [, order, letter = "", size = "", unit] = match;
    const bigEndian = order === ">";
    const core = NUMPY[letter + size];
    if (core !== undefined) return { type: coreType(core), bigEndian };
    if (letter === "O") return { type: variableText("v2:object"), bigEndian };
    if ((letter === "S" || letter === "U") && size) {
      return { type: fixedText(letter, Number(size), place), bigEndian };
    }
    if ((letter === "M" || letter === "m") && size === "8") {
      return { type: timeType(letter === "M", unit ?? "", 1, place), bigEndian };
    }
  }
  throw unsupported(place, `the type ${JSON.stringify(dtype)} is not supported`);
}

const named = z.object({
  name: z.string(),
  configuration: z.object({
    length_bytes: z.number().int().positive().optional(),
    unit: z.string().optional(),
    scale_factor: z.number().int().positive().optional(),
  }).default({}),
});

/** Type of a format-3 `data_type`: a name, or a name with configuration. */
export function elementTypeV3(dataType: unknown, place: Place): ElementType {
  const parsed = named.safeParse(typeof dataType === "string" ? { name: dataType } : dataType);
  if (parsed.success) {
    const { name, configuration: { length_bytes = 0, unit = "", scale_factor = 1 } } = parsed.data;
    if (Object.hasOwn(CORE, name)) return coreType(name);
    if (name === "string" || name === "variable_length_utf8") return variableText("string");
    if (name === "fixed_length_utf32" && length_bytes % 4 === 0) {
      return fixedText("U", length_bytes / 4, place);
    }
    if (name === "null_terminated_bytes") return fixedText("S", length_bytes, place);
    if (name === "numpy.datetime64") return timeType(true, unit, scale_factor, place);
    if (name === "numpy.timedelta64") return timeType(false, unit, scale_factor, place);
  }
  throw unsupported(place, `the type ${JSON.stringify(dataType)} is not supported`);
}

function coreType(name: string): ElementType {
  const entry = CORE[name];
  if (entry === undefined) throw new Error(`no core type ${name}`);
  const [decodedAs, itemBytes, dtype, pairs = false] = entry;
  return { decodedAs, itemBytes, dtype, pairs, timeAttributes: {} };
}

function variableText(decodedAs: "string" | "v2:object"): ElementType {
  return { decodedAs, itemBytes: undefined, dtype: "text", pairs: false, timeAttributes: {} };
}

function fixedText(letter: "S" | "U", characters: number, place: Place): ElementType {
  if (!(characters >= 1 && characters <= MAX_CHARACTERS)) {
    throw unsupported(place, `text of ${characters} characters is not supported`);
  }
  const itemBytes = letter === "U" ? 4 * characters : characters;
  return {
    decodedAs: `v2:${letter}${characters}`,
    itemBytes,
    dtype: "text",
    pairs: false,
    timeAttributes: {},
  };
}

function timeType(instant: boolean, unit: string, scale: number, place: Place): ElementType {
  const word = TIME_UNITS[unit];
  if (word === undefined || scale !== 1) {
    throw unsupported(place, `times in units of ${scale} ${JSON.stringify(unit)} are not supported`);
  }
  return {
    ...coreType("int64"),
    timeAttributes: {
      units: instant ? `${word} since 1970-01-01` : word,
      ...(instant ? { calendar: "proleptic_gregorian" } : {}),
      // NaT
      _FillValue: BigInt64Array.of(-(2n ** 63n)),
    },
  };
}
