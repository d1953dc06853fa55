/** Turns what SQLite reports into an error that says whose fault it is. */
import { SyncError } from "../errors.ts";

/** Deno's node:sqlite gives no error code, so the message has to tell (https://www.sqlite.org/rescode.html). */
export function sqliteError(thrown: unknown, doing: string): SyncError {
  if (thrown instanceof SyncError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const make = (cls: "busy" | "data" | "source" | "local", code: string, hint: string) =>
    new SyncError(cls, code, `${doing}: ${message}`, { hint, cause: thrown });
  if (/locked|busy/i.test(message)) {
    return make(
      "busy",
      "sqlite_busy",
      "Another program is writing the database; it is tried again by itself.",
    );
  }
  if (/not a database|encrypted/i.test(message)) {
    return make("data", "sqlite_not_a_database", "Check that the path names the right file.");
  }
  if (/malformed|corrupt|out of memory|too big|utf-?8/i.test(message)) {
    return make(
      "data",
      "sqlite_corrupt",
      "The database is damaged: check it with \"sqlite3 FILE 'PRAGMA integrity_check'\" on a copy, or restore a backup.",
    );
  }
  if (/no such (table|column)|has no column/i.test(message)) {
    return make("data", "sqlite_schema", "The database is not of the expected kind, or it is damaged.");
  }
  if (/disk is full/i.test(message)) {
    return make("local", "disk_full", "Free some disk space.");
  }
  if (/disk i\/o|unable to open|readonly|read-only/i.test(message)) {
    return make("source", "sqlite_unreadable", "Check that the drive is connected and the file readable.");
  }
  return SyncError.from(thrown);
}
