/**
 * Whether a data file is whole. Quantify rewrites it in place: it is cut to nothing, then written again from the begin,
 * the superblock first with the flag "open for writing", at the end without it (HDF5 1.10 and later; seen with strace).
 */
import { reading } from "../../../src/kit/file_failures.ts";

export type FileState =
  /** Closed by its writer, as long as it says. */
  | "whole"
  /** As long as it says, but nobody closed it. */
  | "open"
  /** Cut, empty or without superblock. */
  | "torn"
  | "netcdf3";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const HEAD_BYTES = 64;

/** @throws SyncError source `file_unreadable` */
export function fileState(path: string): FileState {
  return reading(path, () => {
    using file = Deno.openSync(path, { read: true });
    const head = new Uint8Array(HEAD_BYTES);
    const length = file.readSync(head) ?? 0;
    if (length >= 4 && head[0] === 0x43 && head[1] === 0x44 && head[2] === 0x46) return "netcdf3";
    if (length < HEAD_BYTES || !SIGNATURE.every((byte, i) => head[i] === byte)) return "torn";
    const { flags, end } = superblock(new DataView(head.buffer));
    if (end !== file.statSync().size) return "torn";
    return (flags & 1) === 0 ? "whole" : "open";
  });
}

/** Consistency flags and end-of-file address (HDF5 File Format Specification 3.0, section II.A), of 8-byte addresses. */
function superblock(head: DataView): { flags: number; end: number } {
  const version = head.getUint8(8);
  const end = (at: number) => Number(head.getBigUint64(at, true));
  if (version >= 2) return { flags: head.getUint8(11), end: end(28) };
  return { flags: head.getUint8(20), end: end(version === 1 ? 44 : 40) };
}
