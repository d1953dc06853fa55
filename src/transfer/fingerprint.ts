/** What a file looked like at one moment, to notice a later write. */
import type { Fingerprint } from "../kit/drafts.ts";
import { SyncError } from "../kit/errors.ts";
import { type ExactStat, type ExactStatSource, statExact, statExactLater } from "../kit/fingerprint.ts";
import { fileError } from "./file_errors.ts";

/** A fingerprint and the change time, which a writer cannot set back. */
export interface FileState extends Fingerprint {
  /** ns since 1970 as decimal text; Deno 2.9 knows it to the second only. */
  ctime_ns: string;
}

/** Looks at a path; replaceable, for shares and for tests. */
export type Stat = (path: string) => FileState | Promise<FileState>;

/**
 * Reads size, times and file id without opening the file. `node:fs` gives the whole file id, `Deno.lstat` rounds it.
 * On Deno 2.9 both know times to the millisecond only, so the ns end in zeros: two writes within one ms look alike,
 * and a fingerprint is worth something only when it was taken a while after the last write (snapshot.ts sees to that).
 * @throws SyncError `file_vanished` (busy), `file_unreadable`, `not_a_regular_file` (data)
 */
export function fileState(path: string, fs: ExactStatSource = {}): FileState {
  try {
    return stateOf(path, statExact(path, false, fs));
  } catch (e) {
    throw fileError(e, path);
  }
}

/** As {@link fileState}, without keeping others waiting: for files of a share, which may not answer. */
export async function fileStateLater(path: string, fs: ExactStatSource = {}): Promise<FileState> {
  try {
    return stateOf(path, await statExactLater(path, false, fs));
  } catch (e) {
    throw fileError(e, path);
  }
}

function stateOf(path: string, stat: ExactStat): FileState {
  if (stat.kind !== "file") {
    throw new SyncError("data", "not_a_regular_file", `${path}: is a link, folder or device, not a file`, {
      hint: "Only regular files are uploaded: put the file itself here, or leave it out with a skip rule.",
    });
  }
  const { size, mtime_ns, file_id, ctime_ms = 0 } = stat;
  return { size, mtime_ns, file_id, ctime_ns: `${ctime_ms}000000` };
}

/**
 * The fingerprint of a regular file: size in bytes, mtime in ns (see {@link fileState}), device and inode.
 * @throws SyncError `file_vanished` (busy), `file_unreadable`, `not_a_regular_file` (data)
 */
export function fingerprintOf(path: string): Fingerprint {
  const { size, mtime_ns, file_id } = fileState(path);
  return { size, mtime_ns, file_id };
}

/** True when nothing was written between two looks. */
export function sameState(a: FileState, b: FileState): boolean {
  return a.size === b.size && a.mtime_ns === b.mtime_ns && a.file_id === b.file_id &&
    a.ctime_ns === b.ctime_ns;
}
