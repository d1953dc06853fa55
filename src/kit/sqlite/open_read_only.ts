/**
 * Ways to open somebody else's SQLite database that leave no trace beside it and no lock its writer could feel
 * (rules B1, B2).
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { SyncError } from "../errors.ts";
import { type DatabaseState, databaseState } from "./database_state.ts";
import { ReadOnlyDatabase } from "./read_only_database.ts";
import { sqliteError } from "./sqlite_error.ts";

/** How long SQLite itself waits for a lock of a writer, ms. */
const LOCK_WAIT = 1000;

/** A file URI (https://www.sqlite.org/uri.html) with `?`, `#`, `%` and blanks of the path escaped. */
export function sqliteUri(path: string, parameters: string): string {
  return `${pathToFileURL(path).href}?${parameters}`;
}

function open(path: string, parameters: string): ReadOnlyDatabase {
  try {
    const db = new DatabaseSync(sqliteUri(path, parameters), { readOnly: true, timeout: LOCK_WAIT });
    return new ReadOnlyDatabase(db, path);
  } catch (e) {
    throw sqliteError(e, `opening ${path}`);
  }
}

/**
 * Opens without any lock or side file. Only right while nobody changes the file: the caller compares
 * {@link databaseState} before and after. Rows in a `-wal` are not seen.
 */
export function openImmutable(path: string): ReadOnlyDatabase {
  return open(path, "mode=ro&immutable=1");
}

/**
 * Opens a database in WAL mode whose `-wal` and `-shm` exist, as one snapshot. With `readonly_shm` SQLite neither
 * writes the `-shm` nor recovers it, and closing cannot checkpoint.
 * @returns null when the `-shm` cannot be used as it is (its writer died at a bad moment)
 */
export function openSnapshot(path: string): ReadOnlyDatabase | null {
  const db = open(path, "mode=ro&readonly_shm=1");
  try {
    db.all("BEGIN");
    // The snapshot is taken by the first read.
    db.all("SELECT count(*) FROM sqlite_master");
    return db;
  } catch (e) {
    db[Symbol.dispose]();
    if (e instanceof SyncError && e.code === "sqlite_unreadable") return null;
    throw e;
  }
}

/**
 * Opens a copy of the database with its `-wal` or `-journal`, so that SQLite recovers or rolls back the copy.
 * @param folder existing private folder for the copy
 * @returns null when the database changed while it was copied
 * @throws SyncError of class local when the copy does not fit
 */
export function openCopy(path: string, state: DatabaseState, folder: string): ReadOnlyDatabase | null {
  const copy = join(folder, "copy.db");
  try {
    for (const suffix of ["", ...(state.wal ? ["-wal"] : []), ...(state.journal ? ["-journal"] : [])]) {
      copyFileSync(path + suffix, copy + suffix);
    }
  } catch (e) {
    const code = e instanceof Error && "code" in e ? e.code : "";
    if (code === "ENOENT") return null;
    throw new SyncError(
      code === "ENOSPC" ? "local" : "source",
      code === "ENOSPC" ? "disk_full" : "sqlite_unreadable",
      `copying ${path} into ${folder}`,
      { hint: "Free some disk space, and check that the file is readable.", cause: e },
    );
  }
  if (databaseState(path).identity !== state.identity) return null;
  try {
    return new ReadOnlyDatabase(new DatabaseSync(copy), path);
  } catch (e) {
    throw sqliteError(e, `opening a copy of ${path}`);
  }
}
