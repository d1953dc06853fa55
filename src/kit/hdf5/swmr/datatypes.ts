/** Encoded datatypes (file format specification 3.0, IV.A.2.d); all little-endian. */
import { ByteWriter } from "./byte_writer.ts";

const CHARACTER_SETS = { ascii: 0, utf8: 1 } as const;

export const FLOAT64 = new ByteWriter()
  .u8(0x11, 0x20, 63, 0).u32(8)
  .u16(0).u16(64).u8(52, 11, 0, 52).u32(1023).done();

export const OBJECT_REFERENCE = new ByteWriter().u8(0x17, 0, 0, 0).u32(8).done();

/** Text of any length in the file's global heap. */
export const UTF8_TEXT = new ByteWriter()
  .u8(0x19, 0x01, CHARACTER_SETS.utf8, 0).u32(16)
  .bytes(fixedText(1, "utf8")).done();

/** List of objects of any length in the file's global heap: one axis of `DIMENSION_LIST`. */
export const REFERENCES = new ByteWriter().u8(0x19, 0, 0, 0).u32(16).bytes(OBJECT_REFERENCE).done();

/** Element of `REFERENCE_LIST`: which axis of which dataset a scale belongs to. */
export const SCALE_USE = new ByteWriter()
  .u8(0x36, 2, 0, 0).u32(16)
  .ascii("dataset\0").u8(0).bytes(OBJECT_REFERENCE)
  .ascii("dimension\0").u8(8).bytes(signedInteger(4)).done();

export function signedInteger(bytes: 1 | 4 | 8): Uint8Array {
  return new ByteWriter().u8(0x10, 0x08, 0, 0).u32(bytes).u16(0).u16(8 * bytes).done();
}

/** Text of a fixed number of bytes, the last of which is zero. */
export function fixedText(bytes: number, set: keyof typeof CHARACTER_SETS = "ascii"): Uint8Array {
  return new ByteWriter().u8(0x13, CHARACTER_SETS[set] << 4, 0, 0).u32(bytes).done();
}
