/** What tells, without any lock, whether a SQLite database changed and which of its side files matter. */
import { existsSync, realpathSync } from "node:fs";
import { fingerprintText, statExact } from "../fingerprint.ts";
import { SyncError } from "../errors.ts";

/** Facts about a database file and its side files at one moment. */
export interface DatabaseState {
  /** Size, mtime, inode and change counter of the database; plus those of the side files that hold data. */
  identity: string;
  /** Size, mtime, inode and change counter of the database file alone. */
  databaseIdentity: string;
  /** Bytes of the database and its `-wal`. */
  size: number;
  /** mtime of the newest part, ms since 1970 UTC. */
  modified: number;
  /** A `-wal` with frames: rows may exist only there. */
  wal: boolean;
  /** A rollback journal with a valid header: a transaction is open, or its writer died. */
  journal: boolean;
}

/** File format magic, https://www.sqlite.org/fileformat.html#magic_header_string */
const MAGIC = "SQLite format 3\0";
/** https://www.sqlite.org/fileformat.html#the_rollback_journal */
const JOURNAL_MAGIC = "d9d505f920a163d7";

/**
 * Looks at a database and its side files without locking or opening it as a database.
 * @throws SyncError `sqlite_missing`, `sqlite_unreadable` (class source) or `sqlite_not_a_database` (class data)
 */
export function databaseState(path: string): DatabaseState {
  path = realPath(path);
  const stat = statOf(path);
  if (!stat) {
    throw new SyncError("source", "sqlite_missing", `${path} does not exist`, {
      hint: "Check that the drive is connected and that the database was not moved.",
    });
  }
  if (stat.kind !== "file") {
    throw new SyncError("source", "sqlite_unreadable", `${path} is not a file`, {
      hint: "Give the path of the database file.",
    });
  }
  const header = readStart(path, 100);
  if (latin1(header.subarray(0, 16)) !== MAGIC) {
    throw new SyncError("data", "sqlite_not_a_database", `${path} is not an SQLite database`, {
      hint: "Check that the path names the right file.",
    });
  }
  const changeCounter = new DataView(header.buffer).getUint32(24);
  const databaseIdentity = `${fingerprintText(stat)} ${changeCounter}`;
  const wal = statOf(`${path}-wal`);
  const journal = statOf(`${path}-journal`);
  const hasWal = wal !== null && wal.size > 0;
  const hasJournal = journal !== null && isHotJournal(`${path}-journal`);
  return {
    databaseIdentity,
    identity: [
      databaseIdentity,
      hasWal ? fingerprintText(wal) : "",
      hasJournal ? fingerprintText(journal) : "",
    ].join(" / "),
    modified: Math.max(
      stat.mtime_ms,
      hasWal ? wal.mtime_ms : 0,
      hasJournal ? journal.mtime_ms : 0,
    ),
    size: Number(stat.size) + (hasWal ? Number(wal.size) : 0),
    wal: hasWal,
    journal: hasJournal,
  };
}

/** Where the side files of a database are: beside the file itself, not beside a link to it. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Whoever reads it finds out why.
    return path;
  }
}

function statOf(path: string) {
  try {
    return statExact(path, true);
  } catch (e) {
    if (e instanceof Error && "code" in e && (e.code === "ENOENT" || e.code === "ENOTDIR")) return null;
    throw unreadable(path, e);
  }
}

/** A journal whose header was zeroed (PERSIST) or cut (TRUNCATE) belongs to no open transaction. */
export function isHotJournal(path: string): boolean {
  // Asked first, for an error costs more than all the rest.
  if (!existsSync(path) || (statOf(path)?.size ?? 0) < 512) return false;
  try {
    return readStart(path, 8).toHex() === JOURNAL_MAGIC;
  } catch (e) {
    // Deleted since: its transaction ended.
    if (e instanceof SyncError && e.cause instanceof Deno.errors.NotFound) return false;
    throw e;
  }
}

function readStart(path: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  try {
    using file = Deno.openSync(path, { read: true });
    let filled = 0;
    for (let n: number | null = 0; filled < length && n !== null; filled += n ?? 0) {
      n = file.readSync(bytes.subarray(filled));
    }
  } catch (e) {
    throw unreadable(path, e);
  }
  return bytes;
}

function unreadable(path: string, cause: unknown): SyncError {
  return new SyncError("source", "sqlite_unreadable", `${path} cannot be read`, {
    hint: "Check that this user may read the file and its folder, and that the drive is connected.",
    cause,
  });
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
