/** The file format of a write-ahead log, https://www.sqlite.org/fileformat2.html#the_write_ahead_log */

export const WAL_HEADER_SIZE = 32;
export const FRAME_HEADER_SIZE = 24;

/** The running checksum of header and frames. */
export type Checksum = readonly [number, number];

export interface WalHeader {
  /** Bytes of a page of the database. */
  pageSize: number;
  /** Counted up by one, and new at random, whenever the log begins again. */
  salt1: number;
  salt2: number;
  /** Byte order of the words that the checksums add up. */
  littleEndian: boolean;
  checksum: Checksum;
}

export interface FrameHeader {
  page: number;
  /** Pages of the database after this commit; 0 for a frame that ends no transaction. */
  commitPages: number;
  salt1: number;
  salt2: number;
  checksum: Checksum;
}

const MAGIC_BIG_ENDIAN = 0x377f0683;
const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const VERSION = 3007000;

/** Byte position of a frame; the first is 1. */
export function framePosition(frame: number, pageSize: number): number {
  return WAL_HEADER_SIZE + (frame - 1) * (FRAME_HEADER_SIZE + pageSize);
}

/**
 * The header of a log.
 * @param bytes at least {@link WAL_HEADER_SIZE}
 * @returns null when it is none: SQLite then takes the log for empty
 */
export function parseWalHeader(bytes: Uint8Array): WalHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const magic = view.getUint32(0);
  const pageSize = view.getUint32(8);
  if (magic !== MAGIC_BIG_ENDIAN && magic !== MAGIC_LITTLE_ENDIAN) return null;
  if (view.getUint32(4) !== VERSION || !isPageSize(pageSize)) return null;
  const littleEndian = magic === MAGIC_LITTLE_ENDIAN;
  const checksum = addToChecksum([0, 0], bytes.subarray(0, 24), littleEndian);
  if (checksum[0] !== view.getUint32(24) || checksum[1] !== view.getUint32(28)) return null;
  return { pageSize, salt1: view.getUint32(16), salt2: view.getUint32(20), littleEndian, checksum };
}

export function parseFrameHeader(bytes: Uint8Array): FrameHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    page: view.getUint32(0),
    commitPages: view.getUint32(4),
    salt1: view.getUint32(8),
    salt2: view.getUint32(12),
    checksum: [view.getUint32(16), view.getUint32(20)],
  };
}

export function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65536 && (size & (size - 1)) === 0;
}

/** Whether two headers, or a header and a frame, belong to the same generation of the log. */
export function sameSalts(
  a: Pick<WalHeader, "salt1" | "salt2">,
  b: Pick<WalHeader, "salt1" | "salt2">,
): boolean {
  return a.salt1 === b.salt1 && a.salt2 === b.salt2;
}

/** @param bytes of a length divisible by 8 */
export function addToChecksum(seed: Checksum, bytes: Uint8Array, littleEndian: boolean): Checksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [s0, s1] = seed;
  for (let at = 0; at < bytes.byteLength; at += 8) {
    s0 = (s0 + view.getUint32(at, littleEndian) + s1) | 0;
    s1 = (s1 + view.getUint32(at + 4, littleEndian) + s0) | 0;
  }
  return [s0 >>> 0, s1 >>> 0];
}
