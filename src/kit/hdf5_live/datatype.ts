/** The datatype message (file format specification, section IV.A.2.d). */
import type { Hdf5Field, Hdf5Type } from "../hdf5/types.ts";
import { complexOf, integerDtype, isBoolean } from "../hdf5/types.ts";
import type { ByteCursor } from "./byte_cursor.ts";
import { FormatError } from "./format_error.ts";

const MOST_LEVELS = 16;
const MOST_MEMBERS = 4096;
/** Location and size of exponent and mantissa, and bias, of IEEE 754 numbers. */
const IEEE: Record<number, string> = { 4: "23 8 0 23 127", 8: "52 11 0 52 1023" };
const SPACE_PADDED = 2;

/** Type classes. */
const CLASS = {
  integer: 0,
  float: 1,
  time: 2,
  text: 3,
  bitfield: 4,
  opaque: 5,
  compound: 6,
  reference: 7,
  enumeration: 8,
  variable: 9,
  array: 10,
  complex: 11,
} as const;

/** A type at the cursor, which is left behind it. */
export function parseDatatype(cursor: ByteCursor, level = 0): Hdf5Type {
  if (level > MOST_LEVELS) throw new FormatError("types inside types without end");
  const head = cursor.u8(), version = head >> 4, typeClass = head & 15;
  if (version < 1 || version > 5) throw new FormatError(`datatype of unknown version ${version}`);
  const bits = cursor.uint(3), bytes = cursor.u32();
  if (bytes === 0) throw new FormatError("a type of no size");
  const sized = { bytes, bigEndian: (bits & 1) !== 0 };
  const unsupported = (reason: string): Hdf5Type => ({ ...sized, kind: "unsupported", reason });
  switch (typeClass) {
    case CLASS.integer: {
      const plain = cursor.u16() === 0 && cursor.u16() === 8 * bytes;
      const dtype = plain ? integerDtype(bytes, (bits & 8) !== 0) : undefined;
      return dtype ? { ...sized, kind: "number", dtype } : unsupported(`${bytes}-byte integers`);
    }
    case CLASS.float: {
      const whole = cursor.u16() === 0 && cursor.u16() === 8 * bytes;
      const form = [cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8(), cursor.u32()].join(" ");
      if (!whole || IEEE[bytes] !== form || (bits & 0x40) !== 0) {
        return unsupported(`${bytes * 8}-bit floats`);
      }
      return { ...sized, kind: "number", dtype: bytes === 4 ? "f4" : "f8" };
    }
    case CLASS.text:
      return {
        ...sized,
        bigEndian: false,
        kind: "text",
        length: bytes,
        spacePadded: (bits & 15) === SPACE_PADDED,
      };
    case CLASS.time:
      cursor.skip(2);
      return unsupported("times of HDF5");
    case CLASS.bitfield:
      cursor.skip(4);
      return { ...sized, kind: "bytes" };
    case CLASS.opaque:
      cursor.skip(bits & 0xff);
      return { ...sized, bigEndian: false, kind: "bytes" };
    case CLASS.compound:
      return parseCompound(cursor, version, bits & 0xffff, bytes, level);
    case CLASS.reference:
      // What refers to an object is the address of its header.
      return (bits & 15) === 0 && bytes === 8
        ? { bytes, bigEndian: false, kind: "bytes" }
        : unsupported("references");
    case CLASS.enumeration:
      return parseEnumeration(cursor, version, bits & 0xffff, level);
    case CLASS.variable: {
      const base = parseDatatype(cursor, level + 1);
      return (bits & 15) === 1
        ? { bytes, bigEndian: false, kind: "text", spacePadded: false }
        : { bytes, bigEndian: false, kind: "sequence", base };
    }
    case CLASS.array: {
      const rank = cursor.u8();
      if (version < 3) cursor.skip(3);
      const shape = Array.from({ length: rank }, () => cursor.u32());
      if (version < 3) cursor.skip(4 * rank);
      const base = parseDatatype(cursor, level + 1);
      if (shape.reduce((a, b) => a * b, base.bytes) !== bytes) {
        throw new FormatError("an array type of wrong size");
      }
      return { bytes, bigEndian: false, kind: "array", base, shape };
    }
    case CLASS.complex: {
      const base = parseDatatype(cursor, level + 1);
      const pair = [{ name: "r", offset: 0, type: base }, { name: "i", offset: base.bytes, type: base }];
      return complexOf(pair, bytes) ?? unsupported("complex numbers of this kind");
    }
    default:
      throw new FormatError(`datatype of unknown class ${typeClass}`);
  }
}

function parseCompound(
  cursor: ByteCursor,
  version: number,
  members: number,
  bytes: number,
  level: number,
): Hdf5Type {
  if (members > MOST_MEMBERS) throw new FormatError(`a compound of ${members} members`);
  const fields = Array.from({ length: members }, (): Hdf5Field => {
    const name = memberName(cursor, version);
    const offset = version >= 3 ? cursor.uint(bytesFor(bytes)) : cursor.u32();
    const rank = version === 1 ? cursor.u8() : 0;
    const shape = version === 1 ? cursor.skip(11) && [0, 0, 0, 0].map(() => cursor.u32()).slice(0, rank) : [];
    const base = parseDatatype(cursor, level + 1);
    const type: Hdf5Type = shape.length === 0 ? base : {
      bytes: shape.reduce((a, b) => a * b, base.bytes),
      bigEndian: false,
      kind: "array",
      base,
      shape,
    };
    if (offset + type.bytes > bytes) throw new FormatError(`member ${name} lies outside of its compound`);
    return { name, offset, type };
  });
  return complexOf(fields, bytes) ?? { bytes, bigEndian: false, kind: "compound", fields };
}

function parseEnumeration(cursor: ByteCursor, version: number, count: number, level: number): Hdf5Type {
  const base = parseDatatype(cursor, level + 1);
  const names = Array.from({ length: count }, () => memberName(cursor, version));
  if (base.kind !== "number") return { ...base, kind: "unsupported", reason: "enumerations of this base" };
  const signed = base.dtype.startsWith("i");
  const values = names.map(() => {
    const stored = cursor.take(base.bytes).slice();
    const unsigned = (base.bigEndian ? stored : stored.reverse()).reduce(
      (value, byte) => value * 256 + byte,
      0,
    );
    return signed && (stored[0] ?? 0) >= 0x80 ? unsigned - 256 ** base.bytes : unsigned;
  });
  const members = Object.fromEntries(names.map((name, i) => [name, values[i] ?? 0]));
  return isBoolean(base.bytes, members) ? { ...base, dtype: "bool" } : { ...base, kind: "enum", members };
}

function memberName(cursor: ByteCursor, version: number): string {
  const start = cursor.at, name = cursor.zeroEnded();
  if (version < 3) cursor.align(8, start);
  return name;
}

/** Bytes that hold any number below `size`… as the library reckons it. */
function bytesFor(size: number): number {
  let bytes = 1;
  while (size >= 256 ** bytes) bytes++;
  return bytes;
}
