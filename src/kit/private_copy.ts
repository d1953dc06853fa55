/**
 * Private copies of files that their writer may rewrite or append to at any moment, so that the HDF5 library never meets
 * two generations of one file at once.
 */
import { Buffer } from "node:buffer";
import { SyncError } from "./errors.ts";
import { type ExactStat, fingerprintText, statExact } from "./fingerprint.ts";

export interface PrivateCopy {
  path: string;
  /** Of the original, when it was copied; of a link, its target's. */
  stat: ExactStat;
}

const ATTEMPTS = 4;
const PAUSE_MS = 15;
const BLOCK = 1 << 20;

/**
 * Copies one state that the file really had.
 * @param to path of the copy; its folder exists
 * @throws SyncError busy `file_changing`, `file_vanished` or `file_read_failed`; data `file_unreadable`; local
 * `staging_failed`
 */
export async function copyPrivately(path: string, to: string): Promise<PrivateCopy> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = look(path);
    const sameTick = mayHideWrites(before, Date.now());
    copyBytes(path, to);
    const settled = unchanged(path, before) &&
      (!sameTick || (hasBytesOf(path, to) && unchanged(path, before)));
    if (settled) return { path: to, stat: before };
    if (attempt < ATTEMPTS) await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
  throw new SyncError("busy", "file_changing", `${path}: was written to while it was read`, {
    hint: "The agent tries again when the file has come to rest.",
  });
}

const unchanged = (path: string, before: ExactStat) =>
  fingerprintText(look(path)) === fingerprintText(before);

/**
 * Whether a further write could leave the time stamp as it is: systems stamp in ticks of up to 16 ms, FAT and some
 * servers in whole (even two) seconds. Then only a second look at the bytes tells.
 */
function mayHideWrites(stat: ExactStat, now: number): boolean {
  const tick = BigInt(stat.mtime_ns) % 1_000_000_000n === 0n ? 2100 : 50;
  return now - stat.mtime_ms < tick;
}

function look(path: string): ExactStat {
  return reading(path, () => statExact(path, true));
}

function copyBytes(path: string, to: string): void {
  using source = reading(path, () => Deno.openSync(path, { read: true }));
  using target = staging(to, () => Deno.openSync(to, { write: true, create: true, truncate: true }));
  const block = new Uint8Array(BLOCK);
  for (;;) {
    const n = reading(path, () => source.readSync(block));
    if (n === null) return;
    staging(to, () => {
      for (let done = 0; done < n;) done += target.writeSync(block.subarray(done, n));
    });
  }
}

function hasBytesOf(path: string, copy: string): boolean {
  using a = reading(path, () => Deno.openSync(path, { read: true }));
  using b = staging(copy, () => Deno.openSync(copy, { read: true }));
  const [left, right] = [Buffer.alloc(BLOCK), Buffer.alloc(BLOCK)];
  for (;;) {
    const n = reading(path, () => fill(a, left));
    const m = staging(copy, () => fill(b, right));
    if (n !== m || !left.subarray(0, n).equals(right.subarray(0, n))) return false;
    if (n === 0) return true;
  }
}

/** Reads until the block is full or the file ends. */
function fill(file: Deno.FsFile, block: Uint8Array): number {
  let filled = 0;
  while (filled < block.length) {
    const n = file.readSync(block.subarray(filled));
    if (n === null) break;
    filled += n;
  }
  return filled;
}

function reading<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || isErrno(cause, "ENOENT")) {
      throw new SyncError("busy", "file_vanished", `${path}: is no longer there`, {
        hint: "The file was moved or deleted while it was looked at: nothing to do, the agent looks again.",
        cause,
      });
    }
    if (cause instanceof Deno.errors.PermissionDenied || isErrno(cause, "EACCES")) {
      throw new SyncError("data", "file_unreadable", `${path}: reading is not permitted`, {
        hint: "Give the user that runs etiket-sync permission to read this file.",
        cause,
      });
    }
    throw new SyncError("busy", "file_read_failed", `${path}: ${messageOf(cause)}`, {
      hint: "Check the disk or the network share that holds the file.",
      cause,
    });
  }
}

function staging<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new SyncError("local", "staging_failed", `${path}: ${messageOf(cause)}`, {
      hint: "Check that etiket-sync's data folder exists, may be written to and has free space.",
      cause,
    });
  }
}

const isErrno = (e: unknown, code: string) => e instanceof Error && "code" in e && e.code === code;
const messageOf = (e: unknown) => e instanceof Error ? e.message : String(e);
