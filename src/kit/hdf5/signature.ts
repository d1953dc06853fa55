/**
 * What a file is, judged from its first bytes without the HDF5 library: finds truncated, half-written and foreign
 * files at once. Format: HDF5 file format specification 3.0, section II.A (superblock).
 */
import { Buffer } from "node:buffer";
import { SyncError } from "../errors.ts";

export interface Hdf5Signature {
  kind: "hdf5";
  /** Bytes before the superblock (user block): 0, 512, 1024, … */
  offset: number;
  superblock: number;
  /** A writer has the file open, or died (superblock 3 only). */
  openForWriting: boolean;
  /** That writer lets others read meanwhile. */
  swmr: boolean;
  /** Where the file should end; larger than `size` when it is cut off. */
  endOfFile: number;
  size: number;
}

export interface ForeignSignature {
  kind: "netcdf3" | "empty" | "text" | "unknown";
  size: number;
}

const MAGIC = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");
/** Longest superblock: version 1 with 8-byte addresses. */
const SUPERBLOCK_BYTES = 100;

/**
 * Reads the signature of a file (a few small reads).
 * @throws SyncError `file_unreadable` (class source) when it is missing or can not be opened
 */
export function readSignature(path: string): Hdf5Signature | ForeignSignature {
  try {
    using file = Deno.openSync(path, { read: true });
    const size = file.statSync().size;
    if (size === 0) return { kind: "empty", size };
    const head = readAt(file, 0, 1024);
    for (let offset = 0; offset + MAGIC.length <= size; offset = offset === 0 ? 512 : offset * 2) {
      const block = offset === 0 ? head : readAt(file, offset, SUPERBLOCK_BYTES);
      if (block.subarray(0, MAGIC.length).equals(MAGIC)) return parseSuperblock(block, offset, size);
    }
    if (head.subarray(0, 3).equals(Buffer.from("CDF")) && [1, 2, 5].includes(head[3] ?? 0)) {
      return { kind: "netcdf3", size };
    }
    return { kind: head.includes(0) ? "unknown" : "text", size };
  } catch (cause) {
    throw new SyncError("source", "file_unreadable", `${path}: ${messageOf(cause)}`, {
      hint: "Check that the file exists and that the agent may read it; it is tried again.",
      cause,
    });
  }
}

/**
 * Refuses what the HDF5 library would only stumble over later.
 * @throws SyncError of class data: `hdf5_empty`, `hdf5_netcdf3`, `hdf5_not_hdf5`, `hdf5_truncated`; of class busy:
 * `hdf5_open_for_writing`
 */
export function requireHdf5(path: string): Hdf5Signature {
  const signature = readSignature(path);
  const refuse = (code: string, problem: string, hint: string) =>
    new SyncError("data", code, `${path}: ${problem}`, { hint });
  switch (signature.kind) {
    case "empty":
      throw refuse(
        "hdf5_empty",
        "the file is empty",
        "The measurement wrote nothing; remove it or ignore it.",
      );
    case "netcdf3":
      throw refuse(
        "hdf5_netcdf3",
        "this is a netCDF-3 file, not HDF5",
        "Save it as netCDF-4, or give it the suffix .cdf.",
      );
    case "text":
    case "unknown":
      throw refuse(
        "hdf5_not_hdf5",
        "the file has no HDF5 signature",
        "Give the file the suffix of what it is.",
      );
    case "hdf5":
      if (signature.openForWriting) {
        throw new SyncError("busy", "hdf5_open_for_writing", `${path}: the file is open for writing`, {
          hint: "Wait until the measurement closes it; if its program crashed, run `h5clear -s` on the file.",
        });
      }
      if (signature.endOfFile > signature.size) {
        throw refuse(
          "hdf5_truncated",
          `the file is cut off: ${signature.size} of ${signature.endOfFile} bytes are there`,
          "Copy it again from where it was written; the missing part can not be restored.",
        );
      }
      return signature;
  }
}

function parseSuperblock(block: Buffer, offset: number, size: number): Hdf5Signature {
  const superblock = byte(block, 8);
  const modern = superblock >= 2;
  const addressBytes = byte(block, modern ? 9 : 13);
  // Base address, then one more address, then the end of the file.
  const addresses = modern ? 12 : superblock === 1 ? 28 : 24;
  const flags = superblock === 3 ? byte(block, 11) : 0;
  return {
    kind: "hdf5",
    offset,
    superblock,
    openForWriting: (flags & 0x01) !== 0,
    swmr: (flags & 0x04) !== 0,
    endOfFile: littleEndian(block, addresses + 2 * addressBytes, addressBytes),
    size,
  };
}

/** 0 beyond the end of a file that is cut off inside its superblock. */
function byte(block: Buffer, position: number): number {
  return block[position] ?? 0;
}

function littleEndian(block: Buffer, position: number, bytes: number): number {
  let value = 0;
  for (let i = bytes - 1; i >= 0; i--) value = value * 256 + byte(block, position + i);
  return value;
}

function readAt(file: Deno.FsFile, offset: number, length: number): Buffer {
  const block = Buffer.alloc(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const n = file.readSync(block.subarray(filled));
    if (n === null) break;
    filled += n;
  }
  return block.subarray(0, filled);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
