/** Reads a consistent state of somebody else's SQLite database (rule B2). */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type DatabaseState, databaseState, realPath } from "./database_state.ts";
import { busy, openInPlace } from "./follow_database.ts";
import { CommittedDatabase } from "./in_place/committed_database.ts";
import { MTIME_TICK } from "./in_place/state_check.ts";
import { loadEngine } from "./in_place/wasm_engine.ts";
import { openCopy, openImmutable, openStateCopy } from "./open_read_only.ts";
import { ReadOnlyDatabase } from "./read_only_database.ts";

export interface ReadOnlyOptions {
  /** Existing folder for a private copy; the system's temporary folder when not given. */
  temp?: string;
  /** How often a read is repeated because the database changed meanwhile. */
  attempts?: number;
}

type Read<T> = (db: ReadOnlyDatabase) => T | Promise<T>;

/** Before a read is repeated, ms; longer every time. */
const PAUSE = 10;
/** Kept in memory of a database in WAL mode, bytes: what its log holds can then be read although the log begins again. */
const CACHE = 8 << 20;

/**
 * Runs `read` on a database that nobody may notice is being read: no lock, nothing opened for writing, no side file
 * created, changed or removed, no recovery. Rows that are only in the `-wal` are seen. When the database changed
 * during a read, its result is dropped and `read` runs again, so it must be repeatable.
 *
 * Do not open the database file by other means inside `read`: closing a file drops the POSIX locks that this process
 * holds on it.
 * @throws what `read` throws, when the database was stable; SyncError `sqlite_busy` when it never was; those of
 *   {@link databaseState}
 */
export async function withReadOnly<T>(
  path: string,
  read: Read<T>,
  options: ReadOnlyOptions = {},
): Promise<T> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await sleep(PAUSE * attempt);
    const state = await settledState(path);
    const copy = () => readCopy(read, options, (folder) => openCopy(path, state, folder));
    const outcome = state.wal || state.journal
      ? await readState(path, read, options, copy)
      : attempt === attempts - 1
      ? await copy()
      : await readImmutable(path, state, read);
    if (outcome) return outcome.value;
  }
  throw busy(path);
}

/** What came of one attempt; null when the database changed meanwhile. */
type Outcome<T> = { value: T } | null;

/**
 * Reads the committed state of a database with a log or journal, where it lies.
 * @param copy reads one whose journal only SQLite understands
 */
async function readState<T>(
  path: string,
  read: Read<T>,
  options: ReadOnlyOptions,
  copy: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const engine = await loadEngine();
  using source = new CommittedDatabase(realPath(path), CACHE);
  if (!source.begin()) return await copy();
  // The engine was built without UTF-16, in which a database may be written, though hardly any is.
  if (!source.isUtf8) return await readCopy(read, options, (folder) => openStateCopy(source, folder));
  return await judged(async () => {
    using db = new ReadOnlyDatabase(openInPlace(engine, source, CACHE), path);
    return await read(db);
  }, () => source.holds());
}

/** Reads a database without a log; right when nobody changed it meanwhile. */
function readImmutable<T>(path: string, state: DatabaseState, read: Read<T>): Promise<Outcome<T>> {
  return judged(async () => {
    using db = openImmutable(path);
    return await read(db);
  }, () => databaseState(path).databaseIdentity === state.databaseIdentity);
}

/** An attempt counts, as does its failure, when the state held. */
async function judged<T>(attempt: () => Promise<T>, holds: () => boolean): Promise<Outcome<T>> {
  let value: T;
  try {
    value = await attempt();
  } catch (e) {
    if (holds()) throw e;
    return null;
  }
  return holds() ? { value } : null;
}

async function readCopy<T>(
  read: Read<T>,
  options: ReadOnlyOptions,
  open: (folder: string) => ReadOnlyDatabase | null,
): Promise<Outcome<T>> {
  const folder = await Deno.makeTempDir({ dir: options.temp, prefix: "sqlite-" });
  try {
    using copy = open(folder);
    return copy ? { value: await read(copy) } : null;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The state once its last write can be told from a next one; that may take a tick, where it is not the log that tells. */
async function settledState(path: string): Promise<DatabaseState> {
  const state = databaseState(path);
  const age = Date.now() - state.modified;
  if (state.wal || age < 0 || age >= MTIME_TICK) return state;
  await sleep(MTIME_TICK - age);
  return databaseState(path);
}
