/** Reads a consistent state of somebody else's SQLite database (rule B2). */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SyncError } from "../errors.ts";
import { type DatabaseState, databaseState } from "./database_state.ts";
import { openCopy, openImmutable, openSnapshot } from "./open_read_only.ts";
import type { ReadOnlyDatabase } from "./read_only_database.ts";

export interface ReadOnlyOptions {
  /** Existing folder for a private copy; the system's temporary folder when not given. */
  temp?: string;
  /** How often a read is repeated because the database changed meanwhile. */
  attempts?: number;
  /** Up to this size a database in WAL mode is copied although it could be read where it lies, bytes. */
  copyWal?: number;
}

/** Two writes within this time may leave the same mtime, so a file must be older than that, ms. */
const MTIME_TICK = 20;

/**
 * A database in WAL mode up to this size is copied, bytes: SQLite opens a `-wal` for writing even to read it, holds read
 * locks and, as root, sets its owner again. Larger ones would load the disk of the measurement with every look.
 */
const COPY_WAL = 64 * 1024 * 1024;

/**
 * Runs `read` on a database that nobody may notice is being read: no lock in rollback-journal mode, no side file
 * created, changed or removed, no recovery. Rows that are only in the `-wal` are seen. When the database changed
 * during a read without locks, its result is dropped and `read` runs again, so it must be repeatable.
 *
 * Do not open the database file by other means inside `read`: closing a file drops the POSIX locks that this process
 * holds on it.
 * @throws what `read` throws, when the database was stable; SyncError `sqlite_busy` when it never was; those of
 *   {@link databaseState}
 */
export async function withReadOnly<T>(
  path: string,
  read: (db: ReadOnlyDatabase) => T | Promise<T>,
  options: ReadOnlyOptions = {},
): Promise<T> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const state = await settledState(path);
    const outcome = await attemptRead(path, state, read, options, attempt === attempts - 1);
    if (outcome) return outcome.value;
  }
  throw new SyncError("busy", "sqlite_busy", `${path} keeps changing while it is read`, {
    hint: "Another program is writing the database; it is tried again by itself.",
  });
}

/** @returns null when the database changed meanwhile */
async function attemptRead<T>(
  path: string,
  state: DatabaseState,
  read: (db: ReadOnlyDatabase) => T | Promise<T>,
  options: ReadOnlyOptions,
  last: boolean,
): Promise<{ value: T } | null> {
  const inPlace = openInPlace(path, state, last, options.copyWal ?? COPY_WAL);
  if (inPlace) {
    // A snapshot is protected by SQLite's locks only while its writer lives; the comparison covers the other case.
    const unchanged = () => databaseState(path).databaseIdentity === state.databaseIdentity;
    try {
      let value: T;
      try {
        value = await read(inPlace);
      } finally {
        inPlace[Symbol.dispose]();
      }
      return unchanged() ? { value } : null;
    } catch (e) {
      if (unchanged()) throw e;
      return null;
    }
  }
  const folder = await Deno.makeTempDir({ dir: options.temp, prefix: "sqlite-" });
  try {
    using copy = openCopy(path, state, folder);
    return copy ? { value: await read(copy) } : null;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Opens the database where it lies; null when it has to be copied. */
function openInPlace(
  path: string,
  state: DatabaseState,
  last: boolean,
  copyWal: number,
): ReadOnlyDatabase | null {
  if (state.journal) return null;
  if (!state.wal) return last ? null : openImmutable(path);
  const isCopied = !state.shm || state.size <= copyWal && !last;
  return isCopied ? null : openSnapshot(path);
}

/** The state once the last write is old enough to be told from a next one; waits at most a tick. */
async function settledState(path: string): Promise<DatabaseState> {
  const state = databaseState(path);
  const age = Date.now() - state.modified;
  if (age < 0 || age >= MTIME_TICK) return state;
  await sleep(MTIME_TICK - age);
  return databaseState(path);
}
