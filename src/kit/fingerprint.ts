/** What change detection compares of a file, exactly as the file system gives it. */
import { type BigIntStats, lstatSync, statSync } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import type { Fingerprint } from "./drafts.ts";

export interface ExactStat extends Fingerprint {
  kind: "file" | "directory" | "symlink" | "other";
  /** mtime in whole ms since 1970 UTC. */
  mtime_ms: number;
  /** Last change of content or attributes, ms; a hint that no program can set back (POSIX). */
  ctime_ms?: number;
}

/** Where exact stats come from when not from the system itself: simulated and remembered file systems. */
export interface ExactStatSource {
  statExact?(path: string, follow: boolean): ExactStat;
  statExactLater?(path: string, follow: boolean): Promise<ExactStat>;
}

/**
 * Size, mtime in ns and file id (device and inode) of a path; a link itself unless `follow`.
 * Throws the system's error (ENOENT, EACCES …).
 */
export function statExact(path: string, follow = false, fs: ExactStatSource = {}): ExactStat {
  if (fs.statExact) return fs.statExact(path, follow);
  return exact(follow ? statSync(path, { bigint: true }) : lstatSync(path, { bigint: true }));
}

/** As {@link statExact}, without keeping others waiting: for paths whose disk may not answer. */
export async function statExactLater(
  path: string,
  follow = false,
  fs: ExactStatSource = {},
): Promise<ExactStat> {
  if (fs.statExactLater) return await fs.statExactLater(path, follow);
  if (fs.statExact) return fs.statExact(path, follow);
  return exact(await (follow ? stat(path, { bigint: true }) : lstat(path, { bigint: true })));
}

function exact(s: BigIntStats): ExactStat {
  return {
    kind: s.isFile() ? "file" : s.isDirectory() ? "directory" : s.isSymbolicLink() ? "symlink" : "other",
    size: Number(s.size),
    mtime_ns: s.mtimeNs.toString(),
    mtime_ms: Number(s.mtimeNs / 1_000_000n),
    ctime_ms: Number(s.ctimeMs),
    file_id: `${s.dev}:${s.ino}`,
  };
}

/** File systems stamp in ticks of some ms, FAT and some servers in whole (even two) seconds. */
const TICK_MS = 50;
const COARSE_TICK_MS = 2100;

/** For how long a file system may give the time stamp of this file to further changes, ms. */
export function tickOf({ mtime_ns }: Fingerprint): number {
  return BigInt(mtime_ns) % 1_000_000_000n === 0n ? COARSE_TICK_MS : TICK_MS;
}

/** A fingerprint as one comparable text. */
export function fingerprintText(f: Fingerprint): string {
  return `${f.size} ${f.mtime_ns} ${f.file_id}`;
}
