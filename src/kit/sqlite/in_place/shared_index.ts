/** The header of the index that writers of a log share in memory (`-shm`), https://www.sqlite.org/walformat.html */
import { type ReadMeter, ReadOnlyFile } from "./read_only_file.ts";
import { sameSalts, type WalHeader } from "./wal_format.ts";

/** Bytes; a second copy follows, so that a reader can tell when it is being changed. */
const HEADER_SIZE = 48;

/**
 * The last committed frame by the shared index, a hint only: its writers may be gone, or keep another index.
 * @returns null when it says nothing of this generation of the log
 */
export function sharedLastFrame(path: string, generation: WalHeader, meter: ReadMeter): number | null {
  using file = ReadOnlyFile.openIfThere(path, meter);
  const bytes = new Uint8Array(2 * HEADER_SIZE);
  if (!file || file.readAt(bytes, 0) < bytes.length) return null;
  const [header, copy] = [bytes.subarray(0, HEADER_SIZE), bytes.subarray(HEADER_SIZE)];
  if (header.toHex() !== copy.toHex()) return null;
  const view = new DataView(bytes.buffer);
  // Numbers are in the machine's own order, which is this one wherever Deno runs; salts as in the log.
  const salts = { salt1: view.getUint32(32), salt2: view.getUint32(36) };
  return sameSalts(salts, generation) ? view.getUint32(16, true) : null;
}
