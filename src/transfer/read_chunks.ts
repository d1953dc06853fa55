import type { FileSystem } from "../env.ts";
import { fileError } from "./file_errors.ts";

/** Size of one read; smaller ones cost speed, larger ones gain none. */
const CHUNK = 1024 * 1024;

/** Runs a call about a file of a share with an end to its patience: the share may never answer. */
export type Patience = <T>(path: string, call: () => Promise<T>) => Promise<T>;

const PATIENT: Patience = (_path, call) => call();

/**
 * Reads a file from `start` to its end, or `limit` bytes of it. Opened shared: its writer can go on, rename and delete.
 * Reuses its buffer: a chunk is valid until the next one is asked for.
 * @throws SyncError of class busy, data or local
 */
export async function* readChunks(
  fs: Pick<FileSystem, "open">,
  path: string,
  limit = Infinity,
  start = 0,
  patience = PATIENT,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(Math.max(1, Math.min(CHUNK, limit)));
  let file: Deno.FsFile;
  try {
    file = await patience(path, () => fs.open(path, { read: true }));
  } catch (e) {
    throw fileError(e, path);
  }
  try {
    if (start > 0) await file.seek(start, Deno.SeekMode.Start);
    let left = limit;
    while (left > 0) {
      let n: number | null;
      try {
        n = await patience(path, () => file.read(left < buffer.length ? buffer.subarray(0, left) : buffer));
      } catch (e) {
        throw fileError(e, path);
      }
      if (n === null) return;
      left -= n;
      yield buffer.subarray(0, n);
    }
  } finally {
    file.close();
  }
}

/**
 * Fills a buffer from the start of a file, without giving other work a turn: for small files on a local disk.
 * @returns bytes read; fewer than the buffer holds when the file ends before
 * @throws SyncError of class busy, data or local
 */
export function readNow(fs: Pick<FileSystem, "openSync">, path: string, buffer: Uint8Array): number {
  try {
    using file = fs.openSync(path, { read: true });
    let size = 0;
    while (size < buffer.length) {
      const n = file.readSync(buffer.subarray(size));
      if (n === null) break;
      size += n;
    }
    return size;
  } catch (e) {
    throw fileError(e, path);
  }
}
