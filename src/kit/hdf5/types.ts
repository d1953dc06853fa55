/** HDF5 datatypes, as far as their values can be read. */
import type { Metadata } from "h5wasm/node";
import type { Dtype } from "../labelled.ts";

/** One field of a compound. */
export interface Hdf5Field {
  name: string;
  offset: number;
  type: Hdf5Type;
}

interface Sized {
  /** Bytes of one element in memory. */
  bytes: number;
  /** Stored most significant byte first; values are read in the machine's order all the same. */
  bigEndian: boolean;
}

export type Hdf5Type =
  & Sized
  & (
    /** `c8`/`c16` are compounds {r, i}; `bool` is the enumeration {FALSE, TRUE} over one byte. */
    | { kind: "number"; dtype: Exclude<Dtype, "text"> }
    /** `length` undefined: of variable length. */
    | { kind: "text"; length?: number; spacePadded: boolean }
    | { kind: "enum"; dtype: Exclude<Dtype, "text">; members: Record<string, number> }
    /** Raw bytes: opaque and bit field. */
    | { kind: "bytes" }
    | { kind: "compound"; fields: Hdf5Field[] }
    | { kind: "array"; base: Hdf5Type; shape: number[] }
    | { kind: "sequence"; base: Hdf5Type }
    /** Values can not be read; `reason` says what it is. */
    | { kind: "unsupported"; reason: string }
  );

/** Type classes of HDF5 (H5Tpublic.h). */
const CLASS = {
  integer: 0,
  float: 1,
  string: 3,
  bitfield: 4,
  opaque: 5,
  compound: 6,
  reference: 7,
  enum: 8,
  vlen: 9,
  array: 10,
  complex: 11,
} as const;
const SPACE_PADDED = 2;

/** Describes a type from the library's metadata of a dataset, an attribute or a field. */
export function describeType(metadata: Metadata): Hdf5Type {
  const { size: bytes, type, signed } = metadata;
  const sized = { bytes, bigEndian: !metadata.littleEndian };
  const unsupported = (reason: string): Hdf5Type => ({ ...sized, kind: "unsupported", reason });
  switch (type) {
    case CLASS.integer: {
      const dtype = integerDtype(bytes, signed);
      return dtype ? { ...sized, kind: "number", dtype } : unsupported(`${bytes}-byte integers`);
    }
    case CLASS.float:
      if (bytes === 4 || bytes === 8) return { ...sized, kind: "number", dtype: bytes === 4 ? "f4" : "f8" };
      return unsupported(`${bytes * 8}-bit floats`);
    case CLASS.string:
      return {
        ...sized,
        kind: "text",
        ...(metadata.vlen ? {} : { length: bytes }),
        spacePadded: metadata.strpad === SPACE_PADDED,
      };
    case CLASS.bitfield:
    case CLASS.opaque:
      return { ...sized, kind: "bytes" };
    case CLASS.enum: {
      const dtype = integerDtype(bytes, signed);
      const members = metadata.enum_type?.members ?? {};
      if (!dtype) return unsupported(`${bytes}-byte enumerations`);
      return isBoolean(bytes, members)
        ? { ...sized, kind: "number", dtype: "bool" }
        : { ...sized, kind: "enum", dtype, members };
    }
    case CLASS.compound:
      return compound(metadata, sized);
    case CLASS.array:
      if (!metadata.array_type) return unsupported("array type without base");
      return {
        ...sized,
        kind: "array",
        base: describeType(metadata.array_type),
        shape: metadata.array_type.shape ?? [],
      };
    case CLASS.vlen:
      if (!metadata.vlen_type) return unsupported("sequence type without base");
      return { ...sized, kind: "sequence", base: describeType(metadata.vlen_type) };
    case CLASS.reference:
      return unsupported(`${metadata.ref_type ?? "object"} references`);
    case CLASS.complex:
      return unsupported("native complex numbers of HDF5 2");
    default:
      return unsupported(`type class ${type}`);
  }
}

/** The first part of a type that can not be read, or undefined. */
export function unreadablePart(type: Hdf5Type): string | undefined {
  switch (type.kind) {
    case "unsupported":
      return type.reason;
    case "compound":
      return type.fields.map((field) => unreadablePart(field.type)).find((reason) => reason !== undefined);
    case "array":
    case "sequence":
      return unreadablePart(type.base);
    default:
      return undefined;
  }
}

/** True when values lie in the library's own memory and have to be given back. */
export function isVariableLength(type: Hdf5Type): boolean {
  switch (type.kind) {
    case "text":
      return type.length === undefined;
    case "sequence":
      return true;
    case "compound":
      return type.fields.some((field) => isVariableLength(field.type));
    case "array":
      return isVariableLength(type.base);
    default:
      return false;
  }
}

/** The type as labelled arrays name it, or undefined for what they can not hold. */
export function labelledDtype(type: Hdf5Type): Dtype | undefined {
  if (type.kind === "number" || type.kind === "enum") return type.dtype;
  return type.kind === "text" ? "text" : undefined;
}

function compound(metadata: Metadata, sized: Sized): Hdf5Type {
  const fields = (metadata.compound_type?.members ?? []).map((member): Hdf5Field => ({
    name: member.name,
    offset: member.offset,
    type: describeType(member),
  }));
  return complexOf(fields, sized.bytes) ?? { ...sized, kind: "compound", fields };
}

/** The complex number that a compound {r, i} of two equal floats is; undefined when it is another one. */
export function complexOf(fields: Hdf5Field[], bytes: number): Hdf5Type | undefined {
  const [re, im] = fields;
  if (
    fields.length === 2 && re?.name === "r" && im?.name === "i" && re.type.kind === "number" &&
    im.type.kind === "number" && re.type.dtype === im.type.dtype && re.offset === 0 &&
    im.offset === re.type.bytes && bytes === 2 * re.type.bytes
  ) {
    const { dtype, bigEndian } = re.type;
    if (dtype === "f4" || dtype === "f8") {
      return { bytes, bigEndian, kind: "number", dtype: dtype === "f4" ? "c8" : "c16" };
    }
  }
  return undefined;
}

/** Whether an enumeration is what h5py writes for booleans. */
export function isBoolean(bytes: number, members: Record<string, number>): boolean {
  return bytes === 1 && Object.keys(members).length === 2 && members.FALSE === 0 && members.TRUE === 1;
}

export function integerDtype(
  bytes: number,
  signed: boolean,
): "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" | undefined {
  switch (bytes) {
    case 1:
      return signed ? "i1" : "u1";
    case 2:
      return signed ? "i2" : "u2";
    case 4:
      return signed ? "i4" : "u4";
    case 8:
      return signed ? "i8" : "u8";
    default:
      return undefined;
  }
}
