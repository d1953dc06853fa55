/** What change detection compares of a file, exactly as the file system gives it. */
import { lstatSync, statSync } from "node:fs";
import type { Fingerprint } from "./drafts.ts";

export interface ExactStat extends Fingerprint {
  kind: "file" | "directory" | "symlink" | "other";
  /** mtime in whole ms since 1970 UTC. */
  mtime_ms: number;
}

/**
 * Size, mtime in ns and file id (device and inode) of a path; a link itself unless `follow`.
 * Throws the system's error (ENOENT, EACCES …).
 */
export function statExact(path: string, follow = false): ExactStat {
  const s = follow ? statSync(path, { bigint: true }) : lstatSync(path, { bigint: true });
  return {
    kind: s.isFile() ? "file" : s.isDirectory() ? "directory" : s.isSymbolicLink() ? "symlink" : "other",
    size: Number(s.size),
    mtime_ns: s.mtimeNs.toString(),
    mtime_ms: Number(s.mtimeNs / 1_000_000n),
    file_id: `${s.dev}:${s.ino}`,
  };
}

/** A fingerprint as one comparable text. */
export function fingerprintText(f: Fingerprint): string {
  return `${f.size} ${f.mtime_ns} ${f.file_id}`;
}
