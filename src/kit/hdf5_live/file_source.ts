/**
 * Exact reads of a file that somebody else may be writing, and the proof that they all saw one state of it.
 *
 * A SWMR writer orders its writes so that whatever can be reached is whole, and its metadata carry checksums. Any other
 * writer gives no such promise. What was read is then read once more: blocks that are the same in both passes were all
 * there at the moment between the passes. That moment may still lie inside a flush, which writes values first,
 * then metadata, the superblock last: the size of the file and the end that the superblock states differ meanwhile.
 */
import fs from "node:fs";
import { crc32 } from "node:zlib";
import { SyncError } from "../errors.ts";
import { reading } from "../file_failures.ts";
import { type ExactStat, fingerprintText, statExact } from "../fingerprint.ts";
import { FormatError } from "./format_error.ts";
import { lookup3 } from "../hdf5/lookup3.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";

/** A file may change without its mtime doing so for this long (coarse clocks of file systems and servers). */
const MTIME_GRAIN_MS = 2500;
/** Tick of the clock of usual local file systems. */
const CLOCK_TICK_MS = 20;
/** A file that was written less than this ago may be in the middle of being written. */
const RECENT_MS = 10 * 60_000;
/** A block whose checksum is wrong is read again so often, since its writer may just be at it. */
const CHECKSUM_READS = 4;
const LARGEST_BLOCK = 64 * 1024 * 1024;
/** Blocks that are kept while one consistent reading lasts. */
const KEPT_BYTES = 8 * 1024 * 1024;
const MOST_BLOCKS = 500_000;

interface Block {
  position: number;
  length: number;
  checksum: number;
}

export class FileSource implements Disposable {
  bytesRead = 0;
  /** How many times the path held another file. */
  replacements = 0;
  /** Lengths of object headers when they were last read, by address: so many bytes are read at once. */
  readonly headerBytes = new Map<number, number>();
  #handle: number | undefined;
  #stat: ExactStat | undefined;
  #reported = { fingerprint: "", age: 0 };
  #superblock: Superblock | undefined;
  #depth = 0;
  #blocks: Block[] = [];
  #kept = new Map<string, Uint8Array>();
  #keptBytes = 0;
  /** Keys of kept blocks whose checksum is right. */
  #checked = new Set<string>();

  constructor(readonly path: string) {}

  get superblock(): Superblock {
    if (!this.#superblock) this.consistent(() => {});
    return this.#superblock as Superblock;
  }

  /** True inside of {@link consistent}. */
  get inside(): boolean {
    return this.#depth > 0;
  }

  /**
   * Whether anything may be other than at the last call; no reading. A file may change without its mtime doing so, when
   * two writes fall into one tick of the file system's clock: it counts as changed again when its mtime is older than
   * a tick of usual clocks, and than one of the coarsest.
   */
  changed(): boolean {
    const stat = this.#statNow();
    const now = { fingerprint: fingerprintText(stat), age: ageOf(stat) };
    const changed = now.fingerprint !== this.#reported.fingerprint || now.age > this.#reported.age;
    if (changed) this.#reported = now;
    return changed;
  }

  /** @throws SyncError `hdf5_torn`, `hdf5_corrupt`, `hdf5_not_hdf5`, and what `body` throws */
  consistent<T>(body: () => T): T {
    if (this.#depth > 0) return body();
    this.#depth++;
    try {
      this.#begin();
      const result = body();
      this.#verify();
      return result;
    } catch (thrown) {
      throw this.#judged(thrown);
    } finally {
      this.#depth--;
      this.#blocks = [];
      this.#kept.clear();
      this.#checked.clear();
      this.#keptBytes = 0;
    }
  }

  /** Bytes at an address; metadata are kept until the end of the consistent reading. @throws FormatError */
  read(address: number, length: number): Uint8Array {
    const key = `${address} ${length}`;
    const known = this.#kept.get(key);
    if (known) return known;
    const bytes = this.readOnce(address, length);
    this.#keptBytes += length;
    if (this.#keptBytes <= KEPT_BYTES) this.#kept.set(key, bytes);
    return bytes;
  }

  /** As {@link read}, but as many bytes as are there. */
  readUpTo(address: number, length: number): Uint8Array {
    const left = (this.#stat?.size ?? 0) - this.superblock.base - address;
    return this.read(address, Math.max(0, Math.min(length, left)));
  }

  /** As {@link read}, of a block whose last four bytes are its checksum. */
  readChecked(address: number, length: number): Uint8Array {
    const key = `${address} ${length}`;
    for (let attempt = 0; attempt < CHECKSUM_READS; attempt++) {
      const bytes = this.read(address, length);
      if (this.#checked.has(key)) return bytes;
      if (hasChecksum(bytes)) {
        if (this.#kept.has(key)) this.#checked.add(key);
        return bytes;
      }
      this.#kept.delete(key);
    }
    throw new FormatError(`wrong checksum at ${address}`);
  }

  /** Bytes at an address, for values: not kept. @throws FormatError */
  readOnce(address: number, length: number): Uint8Array {
    if (this.#depth === 0) throw new TypeError("reading outside of a consistent reading");
    if (length > LARGEST_BLOCK) throw new FormatError(`a block of ${length} bytes`);
    const position = this.superblock.base + address;
    const bytes = this.#readAt(position, length);
    if (bytes.length < length) throw new FormatError(`the file ends before ${position + length}`);
    this.#note(position, bytes);
    return bytes;
  }

  [Symbol.dispose](): void {
    if (this.#handle !== undefined) fs.closeSync(this.#handle);
    this.#handle = undefined;
  }

  #begin(): void {
    const before = this.#stat, now = this.#statNow();
    const same = before !== undefined && fingerprintText(before) === fingerprintText(now);
    this.#stat = now;
    if (same && this.#handle !== undefined && this.#superblock) {
      // Nothing was written: the superblock is still the one that was read.
      if (!isYoung(now, MTIME_GRAIN_MS)) return;
    } else {
      // File servers show what is new to those who open the file.
      this[Symbol.dispose]();
      this.#handle = reading(this.path, () => fs.openSync(this.path, "r"));
      if (before && (before.file_id !== now.file_id || before.size > now.size)) {
        this.replacements++;
        this.headerBytes.clear();
      }
    }
    const superblock = readSuperblock((position, length) => {
      const bytes = this.#readAt(position, length);
      this.#note(position, bytes);
      return bytes;
    }, now.size);
    if (!superblock) {
      if (isYoung(now, MTIME_GRAIN_MS)) throw new FormatError("no HDF5 signature yet");
      throw new SyncError("data", "hdf5_not_hdf5", `${this.path}: the file has no HDF5 signature`, {
        hint: "Give the file the suffix of what it is.",
      });
    }
    this.#superblock = superblock;
  }

  #verify(): void {
    if (this.#superblock?.swmr) return;
    const before = this.#stat, now = this.#statNow();
    if (!before || before.file_id !== now.file_id) throw this.#torn("was replaced while it was read");
    const end = this.#superblock?.end ?? now.size;
    if (isYoung(now, RECENT_MS) && end !== now.size) {
      throw this.#torn(`is not flushed: it has ${now.size} bytes of ${end}`);
    }
    if (fingerprintText(before) === fingerprintText(now) && !isYoung(now, MTIME_GRAIN_MS)) return;
    for (const { position, length, checksum } of this.#blocks) {
      if (crc32(this.#readAt(position, length)) !== checksum) throw this.#torn("changed while it was read");
    }
  }

  /** What a failure inside of a consistent reading really was. */
  #judged(thrown: unknown): unknown {
    const format = thrown instanceof FormatError;
    if (!format && !(thrown instanceof SyncError && thrown.class === "data")) return thrown;
    try {
      this.#verify();
    } catch (torn) {
      return torn;
    }
    if (!format) return thrown;
    const superblock = this.#superblock;
    const busy = superblock?.openForWriting || (this.#stat && isYoung(this.#stat, MTIME_GRAIN_MS));
    if (busy) return this.#torn(`is being written: ${thrown.message}`, thrown);
    return new SyncError("data", "hdf5_corrupt", `${this.path}: ${thrown.message}`, {
      hint: "The file is damaged; copy it again from where it was written.",
      cause: thrown,
    });
  }

  #torn(what: string, cause?: unknown): SyncError {
    return new SyncError("busy", "hdf5_torn", `${this.path} ${what}`, {
      hint: "It is read again in a moment; nothing needs to be done.",
      cause,
    });
  }

  #statNow(): ExactStat {
    return reading(this.path, () => statExact(this.path, true));
  }

  #note(position: number, bytes: Uint8Array): void {
    if (this.#blocks.length >= MOST_BLOCKS) throw new FormatError("more blocks than any look needs");
    if (!this.#superblock?.swmr) {
      this.#blocks.push({ position, length: bytes.length, checksum: crc32(bytes) });
    }
  }

  #readAt(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length), handle = this.#handle ?? -1;
    let filled = 0;
    while (filled < length) {
      const at = filled;
      const n = reading(this.path, () => fs.readSync(handle, bytes, at, length - at, position + at));
      if (n === 0) break;
      filled += n;
    }
    this.bytesRead += filled;
    return bytes.subarray(0, filled);
  }
}

function hasChecksum(bytes: Uint8Array): boolean {
  const end = bytes.length - 4;
  if (end < 0) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getUint32(end, true) === lookup3(bytes, end);
}

/** 0: within a tick of usual clocks after the last write, 1: within one of the coarsest, 2: later. */
function ageOf(stat: ExactStat): number {
  return isYoung(stat, CLOCK_TICK_MS) ? 0 : isYoung(stat, MTIME_GRAIN_MS) ? 1 : 2;
}

/** Clocks of file servers differ: a time in the future counts as now. */
function isYoung(stat: ExactStat, ms: number): boolean {
  return Date.now() - stat.mtime_ms < ms;
}
