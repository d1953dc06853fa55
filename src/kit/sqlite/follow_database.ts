/** Looks again and again at somebody else's database that is being written to, without a trace (rule B2). */
import { SyncError } from "../errors.ts";
import { realPath } from "./database_state.ts";
import { CommittedDatabase } from "./in_place/committed_database.ts";
import { WasmConnection } from "./in_place/wasm_connection.ts";
import { type Engine, loadEngine } from "./in_place/wasm_engine.ts";
import { ReadOnlyDatabase } from "./read_only_database.ts";
import { sqliteError } from "./sqlite_error.ts";

/** A database that is followed; one read at a time. Between reads nothing of it is open. */
export interface DatabaseFollower extends Disposable {
  /**
   * Whether the database may have changed since the last successful {@link read} (true before the first). Costs
   * microseconds, takes no lock, and may be wrong in one direction only: true although nothing of use changed. True
   * also when the database is gone; the read says so.
   * @throws SyncError `sqlite_unreadable`
   */
  changed(): boolean;
  /**
   * Runs `use` on one committed state, never an older one than that of the read before. `use` runs again when the
   * state was lost under it, so it must be repeatable; the database is of no use after it.
   * @throws what `use` throws on a state that holds; SyncError `sqlite_busy` when the database never rests,
   *   `sqlite_missing`, `sqlite_unreadable`, `sqlite_not_a_database`
   */
  read<T>(use: (db: ReadOnlyDatabase) => T): T;
  /** Bytes read from the database and its side files so far. */
  readonly bytesRead: number;
}

/** Kept of a database from one look to the next, bytes: the way down to the rows that grow, and what was appended. */
const CACHE = 2 << 20;
/** Pauses before a read is repeated, ms; a file's time tells two writes apart after 20. */
const PAUSES = [0, 5, 20, 40];

/** Starts to follow a database in whatever journal mode. */
export async function followDatabase(path: string): Promise<DatabaseFollower> {
  return new Follower(await loadEngine(), path);
}

class Follower implements DatabaseFollower {
  readonly #source: CommittedDatabase;
  #connection: WasmConnection | null = null;
  #database: ReadOnlyDatabase | null = null;

  constructor(readonly engine: Engine, readonly path: string) {
    this.#source = new CommittedDatabase(realPath(path), CACHE);
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
  }

  changed(): boolean {
    return this.#source.changed();
  }

  read<T>(use: (db: ReadOnlyDatabase) => T): T {
    for (const pause of [...PAUSES, null]) {
      const outcome = this.#attempt(use);
      if (outcome) return outcome.value;
      if (pause !== null) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
    }
    throw busy(this.path);
  }

  /** @returns null when the state did not hold */
  #attempt<T>(use: (db: ReadOnlyDatabase) => T): { value: T } | null {
    const source = this.#source;
    try {
      if (!source.begin()) return null;
      try {
        this.#connection ??= openInPlace(this.engine, source, CACHE);
        const value = use(this.#database ??= new ReadOnlyDatabase(this.#connection, this.path));
        return source.holds() ? { value } : null;
      } catch (e) {
        if (source.holds()) throw e;
        return null;
      }
    } finally {
      // What `use` left half read would hold on to this state.
      this.#connection?.reset();
      source.end();
    }
  }

  [Symbol.dispose](): void {
    this.#database?.[Symbol.dispose]();
    this.#source[Symbol.dispose]();
  }
}

/**
 * Opens the state that `source` has begun.
 * @param cache of SQLite itself, bytes
 * @throws SyncError data `sqlite_utf16`
 */
export function openInPlace(engine: Engine, source: CommittedDatabase, cache: number): WasmConnection {
  if (!source.isUtf8) {
    throw new SyncError("data", "sqlite_utf16", `${source.path} is written in UTF-16`, {
      hint: "Databases in this encoding are read when their measurement has ended, but cannot be followed.",
    });
  }
  try {
    const connection = new WasmConnection(engine, source);
    connection.prepare(`PRAGMA cache_size = -${cache >> 10}`).all();
    return connection;
  } catch (e) {
    throw sqliteError(e, `opening ${source.path}`);
  }
}

/** The error of a database that never rests. */
export function busy(path: string): SyncError {
  return new SyncError("busy", "sqlite_busy", `${path} keeps changing while it is read`, {
    hint: "Another program is writing the database; it is tried again by itself.",
  });
}
