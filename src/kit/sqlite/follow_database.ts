/** Looks again and again at somebody else's database that is being written to, without a trace (rule B2). */
import { rmSync } from "node:fs";
import { SyncError } from "../errors.ts";
import { databaseState } from "./database_state.ts";
import { openCopy, openImmutable, openSnapshot } from "./open_read_only.ts";
import type { ReadOnlyDatabase } from "./read_only_database.ts";

/** A database that is followed; one read at a time. */
export interface DatabaseFollower extends Disposable {
  /**
   * Whether the database may have changed since the last successful {@link read} (true before the first). Costs
   * microseconds, takes no lock, and may be wrong in one direction only: true although nothing of use changed.
   * @throws SyncError as `databaseState` does: `sqlite_missing`, `sqlite_unreadable`, `sqlite_not_a_database`
   */
  changed(): boolean;
  /**
   * Runs `use` on one committed state, never an older one than that of the read before. `use` runs again when the
   * state was lost under it, so it must be repeatable; the database is of no use after it.
   * @throws what `use` throws on a state that holds; SyncError `sqlite_busy` when the database never rests
   */
  read<T>(use: (db: ReadOnlyDatabase) => T): T;
  /** Bytes read from the database and its side files so far. */
  readonly bytesRead: number;
}

const ATTEMPTS = 5;

/** Starts to follow a database in whatever journal mode. Nothing of it stays locked between the reads. */
export function followDatabase(path: string): Promise<DatabaseFollower> {
  return Promise.resolve(new Follower(path));
}

class Follower implements DatabaseFollower {
  #seen = "";
  bytesRead = 0;

  constructor(readonly path: string) {}

  changed(): boolean {
    return databaseState(this.path).identity !== this.#seen;
  }

  read<T>(use: (db: ReadOnlyDatabase) => T): T {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = this.#attempt(use, attempt === ATTEMPTS - 1);
      if (outcome) return outcome.value;
    }
    throw new SyncError("busy", "sqlite_busy", `${this.path} keeps changing while it is read`, {
      hint: "Another program is writing the database; it is tried again by itself.",
    });
  }

  #attempt<T>(use: (db: ReadOnlyDatabase) => T, last: boolean): { value: T } | null {
    const state = databaseState(this.path);
    const folder = Deno.makeTempDirSync({ prefix: "sqlite-" });
    try {
      using db = state.wal && state.shm && (last || state.size > 64 << 20)
        ? openSnapshot(this.path)
        : state.wal || state.journal || last
        ? openCopy(this.path, state, folder)
        : openImmutable(this.path);
      if (!db) return null;
      const value = use(db);
      if (databaseState(this.path).databaseIdentity !== state.databaseIdentity) return null;
      this.#seen = state.identity;
      this.bytesRead += state.size;
      return { value };
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  [Symbol.dispose](): void {}
}
