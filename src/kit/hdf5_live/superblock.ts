/** The superblock: where everything else is found (file format specification, section II.A). */
import { ByteCursor, type FieldWidths } from "./byte_cursor.ts";
import { FormatError } from "./format_error.ts";
import { lookup3 } from "../hdf5/lookup3.ts";

export interface Superblock {
  version: number;
  /** Bytes before it (user block); all addresses of the file count from here. */
  base: number;
  widths: FieldWidths;
  /** Address of the root group's object header. */
  root: number;
  /** Address of the first byte behind everything. */
  end: number;
  openForWriting: boolean;
  swmr: boolean;
}

const MAGIC = "\x89HDF\r\n\x1a\n";
/** Longest one: version 1 with 8-byte addresses. */
const BYTES = 104;
/** Consistency flags (version 3). */
const WRITING = 0x01, SWMR = 0x04;

/**
 * Finds and reads it.
 * @param read gives what is there of `length` bytes from `position`
 * @returns null when the file has no HDF5 signature
 * @throws FormatError
 */
export function readSuperblock(
  read: (position: number, length: number) => Uint8Array,
  fileSize: number,
): Superblock | null {
  for (let base = 0; base + MAGIC.length <= fileSize; base = base === 0 ? 512 : base * 2) {
    const bytes = read(base, BYTES);
    if (String.fromCharCode(...bytes.subarray(0, MAGIC.length)) === MAGIC) return parse(bytes, base);
  }
  return null;
}

function parse(bytes: Uint8Array, base: number): Superblock {
  const modern = (bytes[8] ?? 0) >= 2;
  const widths = { address: bytes[modern ? 9 : 13] ?? 0, length: bytes[modern ? 10 : 14] ?? 0 };
  if (![2, 4, 8].includes(widths.address) || ![2, 4, 8].includes(widths.length)) {
    throw new FormatError(`addresses of ${widths.address} and lengths of ${widths.length} bytes`);
  }
  const cursor = new ByteCursor(bytes, widths, 8);
  const version = cursor.version("superblock", 0, 1, 2, 3);
  let flags = 0;
  if (modern) {
    flags = cursor.skip(2).u8();
  } else {
    cursor.skip(version === 1 ? 19 : 15);
  }
  // The base address repeats the size of the user block; a file whose user block was added later has 0 there.
  cursor.skip(2 * widths.address);
  const end = cursor.address();
  // Old: driver block, then the root group's symbol table entry: name, address.
  const root = modern ? cursor.address() : cursor.skip(2 * widths.address).address();
  if (modern && cursor.u32() !== lookup3(bytes, cursor.at - 4)) {
    throw new FormatError("the superblock's checksum is wrong");
  }
  if (root === null || end === null) throw new FormatError("the superblock has no root group");
  const swmr = version === 3 && (flags & SWMR) !== 0;
  return { version, base, widths, root, end, openForWriting: version === 3 && (flags & WRITING) !== 0, swmr };
}
