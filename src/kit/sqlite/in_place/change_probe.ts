/** What changes with every commit to a database, read as plain bytes. */
import { HEADER_SIZE, parseDatabaseHeader } from "./database_header.ts";
import { type ReadMeter, ReadOnlyFile } from "./read_only_file.ts";
import { MTIME_TICK } from "./state_check.ts";
import { WAL_HEADER_SIZE } from "./wal_format.ts";

/** The header of the index that writers share, with a counter of commits: https://www.sqlite.org/walformat.html */
const INDEX_HEADER_SIZE = 48;
/** With a random number of the transaction. */
const JOURNAL_HEADER_SIZE = 28;

/**
 * A text that is another one after every commit.
 * @returns null when a commit could hide in it: nothing but the time tells it, and that is too young
 */
export function changeProbe(path: string, meter: ReadMeter): string | null {
  const main = probe(path, HEADER_SIZE, meter);
  const log = probe(`${path}-wal`, WAL_HEADER_SIZE, meter);
  const index = probe(`${path}-shm`, INDEX_HEADER_SIZE, meter);
  const journal = probe(`${path}-journal`, JOURNAL_HEADER_SIZE, meter);
  const counts = main && parseDatabaseHeader(main.start)?.isRollbackMode || index !== null;
  const age = Date.now() - Math.max(main?.mtime ?? 0, log?.mtime ?? 0);
  if (!counts && age >= 0 && age < MTIME_TICK) return null;
  // A journal only grows until its transaction ends.
  return [main?.text, log?.text, index?.text, journal?.start.toHex()].join();
}

interface Probe {
  /** Stamp and first bytes. */
  text: string;
  start: Uint8Array;
  /** ms since 1970 UTC. */
  mtime: number;
}

function probe(path: string, length: number, meter: ReadMeter): Probe | null {
  using file = ReadOnlyFile.openIfThere(path, meter);
  if (!file) return null;
  const { id, size, mtime } = file.stamp();
  const start = new Uint8Array(length);
  file.readAt(start, 0);
  return { text: `${id} ${size} ${mtime} ${start.toHex()}`, start, mtime: Number(mtime / 1_000_000n) };
}
