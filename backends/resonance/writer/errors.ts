/** What a writer throws. Both kinds carry a code and one sentence that says what to do. */

abstract class WriterError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** A call at the wrong moment or with an impossible argument; nothing was written. */
export class WriterStateError extends WriterError {}

/** @param hint what to do, one sentence */
export function stateError(code: string, message: string, hint: string): WriterStateError {
  return new WriterStateError(code, message, { hint });
}

/** The database or the Zarr store beside it cannot be opened, is damaged, or another program holds it. */
export class WriterDatabaseError extends WriterError {}

/** Deno's node:sqlite gives no error code, so the message has to tell (https://www.sqlite.org/rescode.html). */
export function databaseError(path: string, thrown: unknown): Error {
  if (thrown instanceof WriterError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const make = (code: string, hint: string) =>
    new WriterDatabaseError(code, `${path}: ${message}`, { hint, cause: thrown });
  if (/locked|busy/i.test(message)) {
    return make(
      "database_busy",
      "Another program is writing this database: close its run, then call this again; nothing was lost.",
    );
  }
  if (/not a database|malformed|corrupt|encrypted/i.test(message)) {
    return make("database_damaged", "Give another path, or put a backup of the file in its place.");
  }
  if (/unable to open|readonly|read-only/i.test(message)) {
    return make("database_unwritable", "Check that the folder exists and that this user may write in it.");
  }
  if (/disk is full|disk i\/o/i.test(message)) {
    return make("disk_full", "Free some disk space and check the drive, then call this again.");
  }
  return make("database_failed", "Check the values that were given, and the database with sqlite3.");
}

/** Failures of the file system below the Zarr store. */
export function storeError(path: string, thrown: unknown): Error {
  if (thrown instanceof WriterError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new WriterDatabaseError("store_failed", `${path}: ${message}`, {
    hint: "Check that the folder exists, that this user may write in it and that the disk has room.",
    cause: thrown,
  });
}
