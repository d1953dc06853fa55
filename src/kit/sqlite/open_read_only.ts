/**
 * Ways to open somebody else's SQLite database that leave no trace beside it and no lock its writer could feel
 * (rules B1, B2).
 */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { SyncError } from "../errors.ts";
import { type DatabaseState, databaseState, realPath } from "./database_state.ts";
import type { CommittedDatabase } from "./in_place/committed_database.ts";
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
 * Opens a copy of the database with its `-wal` or `-journal`, so that SQLite recovers or rolls back the copy.
 * @param folder existing private folder for the copy
 * @returns null when the database changed while it was copied
 * @throws SyncError of class local when the copy does not fit
 */
export function openCopy(path: string, state: DatabaseState, folder: string): ReadOnlyDatabase | null {
  const copy = join(folder, "copy.db");
  try {
    for (const suffix of ["", ...(state.wal ? ["-wal"] : []), ...(state.journal ? ["-journal"] : [])]) {
      copyFileSync(realPath(path) + suffix, copy + suffix);
    }
  } catch (e) {
    if (e instanceof Error && "code" in e && e.code === "ENOENT") return null;
    throw copyError(e, path, folder);
  }
  return databaseState(path).identity === state.identity ? openPrivate(copy, path) : null;
}

/**
 * Opens a copy of the state that `source` has begun.
 * @param folder existing private folder for the copy
 * @returns null when the state did not hold
 * @throws SyncError of class local when the copy does not fit
 */
export function openStateCopy(source: CommittedDatabase, folder: string): ReadOnlyDatabase | null {
  const copy = join(folder, "copy.db");
  using file = Deno.openSync(copy, { write: true, createNew: true });
  for (const page of source.pages()) {
    try {
      for (let done = 0; done < page.length;) done += file.writeSync(page.subarray(done));
    } catch (e) {
      throw copyError(e, source.path, folder);
    }
  }
  return source.holds() ? openPrivate(copy, source.path) : null;
}

function openPrivate(copy: string, path: string): ReadOnlyDatabase {
  try {
    return new ReadOnlyDatabase(new DatabaseSync(copy), path);
  } catch (e) {
    throw sqliteError(e, `opening a copy of ${path}`);
  }
}

function copyError(cause: unknown, path: string, folder: string): SyncError {
  const isFull = cause instanceof Error && "code" in cause && cause.code === "ENOSPC";
  return new SyncError(
    isFull ? "local" : "source",
    isFull ? "disk_full" : "sqlite_unreadable",
    `copying ${path} into ${folder}`,
    { hint: "Free some disk space, and check that the file is readable.", cause },
  );
}
