/**
 * Frozen bytes (U1): what is uploaded equals one state that the file really had, whoever writes to it meanwhile.
 * Small files are read once into a private copy or into memory; large ones are read in place and checked all the way.
 */
import type { Env } from "../env.ts";
import type { Fingerprint } from "../kit/drafts.ts";
import type { FileBody } from "../platform/transport.ts";
import { fileChanging, stagingError } from "./file_errors.ts";
import { type FileState, fileState, fileStateLater, sameState, type Stat } from "./fingerprint.ts";
import { Hasher, type Hashes } from "./hash.ts";
import { type Patience, readChunks, readNow } from "./read_chunks.ts";

export interface SnapshotOptions {
  path: string;
  env: Pick<Env, "now" | "sleep" | "fs">;
  /** Path for the private copy, asked for when one is made; must not exist. Its folder must. */
  copyTo: string | (() => string);
  /** The file is the agent's own (a backend or converter made it): nobody writes to it, no copy is needed. */
  own?: boolean;
  /** Hashes of exactly this fingerprint, from an earlier pass (F6). */
  known?: { fingerprint: Fingerprint; hashes: Hashes };
  /** Larger files are not copied, bytes. */
  copyLimit?: number;
  /** Smaller ones are held in memory instead of in a file, bytes; such a snapshot has no path. Default 0. */
  memoryLimit?: number;
  /** On a disk of this computer, where a small read takes less time than handing it to another thread. */
  local?: boolean;
  stat?: Stat;
  /** The file is on a share. */
  patience?: Patience;
  signal?: AbortSignal;
}

/** Larger files are read in place instead of being copied first, bytes (U1). */
export const COPY_LIMIT = 64 * 1024 * 1024;
/** A large file is looked at again after this many bytes. */
const CHECK_EVERY = 64 * 1024 * 1024;

/**
 * A write shortly after another one can get the same time stamp: Linux and Windows stamp in ticks of up to 16 ms, FAT
 * and some servers in (two) whole seconds. A file written to more recently than that is left to rest first; then every
 * later write shows in its time.
 */
function restNeeded(state: FileState, nowMs: number): number {
  const mtime = BigInt(state.mtime_ns);
  const tick = mtime % 1_000_000_000n === 0n ? 2100 : 50;
  const age = nowMs - Number(mtime / 1_000_000n);
  // A time in the future comes from another clock and says nothing about the age.
  return age >= tick ? 0 : age < 0 ? tick : tick - age;
}

/** Where a snapshot's bytes are: the file itself, the private copy at a path, or memory. */
type Held = "in place" | { path: string } | Uint8Array<ArrayBuffer>;

export class Snapshot {
  readonly #options: SnapshotOptions;
  readonly #state: FileState;
  readonly #held: Held;
  #hashes: Hashes | null;

  /** @internal Use {@link takeSnapshot}. */
  constructor(options: SnapshotOptions, state: FileState, held: Held, hashes: Hashes | null) {
    this.#options = options;
    this.#state = state;
    this.#held = held;
    this.#hashes = hashes;
  }

  /** The bytes are the agent's own, whatever becomes of the file. */
  get isCopy(): boolean {
    return this.#held !== "in place";
  }

  /** The user's (or own) file. */
  get source(): string {
    return this.#options.path;
  }

  /** Where the bytes are: the private copy, or the file itself. Not for those held in memory. */
  get path(): string {
    if (this.#held instanceof Uint8Array) throw new Error(`the copy of ${this.source} is in memory`);
    return this.#held === "in place" ? this.#options.path : this.#held.path;
  }

  /** Bytes. */
  get size(): number {
    return this.#state.size;
  }

  /** Of the source, when it was taken. */
  get fingerprint(): Fingerprint {
    const { size, mtime_ns, file_id } = this.#state;
    return { size, mtime_ns, file_id };
  }

  /** Null while a large file has not been read. */
  get knownHashes(): Hashes | null {
    return this.#hashes;
  }

  /**
   * The hashes; reads a large file when it has not been read yet.
   * @param onRead called with the bytes read so far
   */
  async hashes(signal?: AbortSignal, onRead?: (bytes: number) => void): Promise<Hashes> {
    if (this.#hashes === null) {
      let read = 0;
      for await (const chunk of this.chunks()) {
        signal?.throwIfAborted();
        onRead?.(read += chunk.length);
      }
    }
    if (this.#hashes === null) throw fileChanging(this.source);
    return this.#hashes;
  }

  /**
   * Checks that the bytes at `path` are still those of the snapshot.
   * @throws SyncError busy `file_changing` or `file_vanished`
   */
  async check(): Promise<void> {
    if (this.isCopy) return;
    if (!sameState(this.#state, await statOf(this.#options)(this.source))) {
      throw fileChanging(this.source);
    }
  }

  /**
   * Takes hashes of all bytes that somebody else found out while reading them.
   * @throws SyncError busy `file_changing` when the file is not what it was
   */
  async learn(hashes: Hashes): Promise<void> {
    await this.check();
    // Time stamps can be lied to (memory maps, network caches); the bytes of an earlier pass cannot.
    if (this.#hashes !== null && this.#hashes.sha256 !== hashes.sha256) throw fileChanging(this.source);
    this.#hashes = hashes;
  }

  /** The bytes for an upload; each pass starts at byte 0. */
  body(): FileBody {
    return { size: this.size, chunks: () => this.chunks() };
  }

  /**
   * One pass over the bytes. The last chunk is held back until all of them are known to be of one state, so that a
   * mixed upload is never completed. A first pass over a large file hashes it on the way.
   * @throws SyncError busy `file_changing`, and what reading throws
   */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { size } = this;
    if (this.#held instanceof Uint8Array) {
      if (size > 0) yield this.#held;
      return;
    }
    const hasher = this.isCopy ? null : new Hasher();
    const { env, patience } = this.#options;
    let read = 0;
    let checked = 0;
    await this.check();
    for await (const chunk of readChunks(env.fs, this.path, size, 0, patience)) {
      read += chunk.length;
      hasher?.update(chunk);
      if (read === size) await this.#finish(hasher);
      else if (read - checked >= CHECK_EVERY) {
        checked = read;
        await this.check();
      }
      yield chunk;
    }
    if (read !== size) throw fileChanging(this.source);
    if (size === 0) await this.#finish(hasher);
  }

  async #finish(hasher: Hasher | null): Promise<void> {
    if (hasher === null) await this.check();
    else await this.learn(hasher.digest());
  }

  /**
   * A part of the bytes; each pass starts anew. The last chunk is held back until the part is known to be of the state
   * that the snapshot is of.
   */
  part(start: number, size: number): FileBody {
    return { size, chunks: () => this.#partChunks(start, size) };
  }

  async *#partChunks(start: number, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.#held instanceof Uint8Array) {
      yield this.#held.subarray(start, start + size);
      return;
    }
    const { env, patience } = this.#options;
    let read = 0;
    await this.check();
    for await (const chunk of readChunks(env.fs, this.path, size, start, patience)) {
      read += chunk.length;
      if (read === size) await this.check();
      yield chunk;
    }
    if (read !== size) throw fileChanging(this.source);
  }

  /** Deletes the private copy, if there is one. */
  async remove(): Promise<void> {
    if (typeof this.#held !== "object" || this.#held instanceof Uint8Array) return;
    await this.#options.env.fs.remove(this.#held.path).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

function statOf({ stat, patience, env: { fs } }: SnapshotOptions): Stat {
  if (stat) return stat;
  if (patience) return (path) => patience(path, () => fileStateLater(path, fs));
  return (path) => fileState(path, fs);
}

/** Copies while hashing, in one read; a copy that failed is removed. */
async function copyAndHash(
  options: SnapshotOptions,
  copyTo: string,
  state: FileState,
  stat: Stat,
): Promise<Hashes> {
  const { path, env: { fs } } = options;
  const hasher = new Hasher();
  let copy: Deno.FsFile;
  try {
    copy = await fs.open(copyTo, { write: true, createNew: true, mode: 0o600 });
  } catch (e) {
    throw stagingError(e, copyTo);
  }
  let complete = false;
  try {
    // One byte more than expected shows a file that has grown.
    for await (const chunk of readChunks(fs, path, state.size + 1, 0, options.patience)) {
      options.signal?.throwIfAborted();
      hasher.update(chunk);
      try {
        for (let at = 0; at < chunk.length;) at += await copy.write(chunk.subarray(at));
      } catch (e) {
        throw stagingError(e, copyTo);
      }
    }
    if (hasher.size !== state.size || !sameState(state, await stat(path))) throw fileChanging(path);
    complete = true;
    return hasher.digest();
  } finally {
    copy.close();
    if (!complete) await fs.remove(copyTo).catch(() => {});
  }
}

/** Reads a small file in one go. */
async function readAndHash(
  options: SnapshotOptions,
  state: FileState,
  stat: Stat,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; hashes: Hashes }> {
  const { path, local, env: { fs }, signal } = options;
  // One byte more than expected shows a file that has grown.
  const buffer = new Uint8Array(state.size + 1);
  let size = 0;
  if (local) size = readNow(fs, path, buffer);
  else {
    for await (const chunk of readChunks(fs, path, buffer.length, 0, options.patience)) {
      signal?.throwIfAborted();
      buffer.set(chunk, size);
      size += chunk.length;
    }
  }
  if (size !== state.size || !sameState(state, await stat(path))) throw fileChanging(path);
  const bytes = buffer.subarray(0, size);
  const hasher = new Hasher();
  hasher.update(bytes);
  return { bytes, hashes: hasher.digest() };
}

/**
 * Freezes a file's bytes. Remove the snapshot when it is no longer needed (`await using`).
 * @throws SyncError busy `file_changing`, `file_locked`, `file_vanished`; data `file_unreadable`,
 * `not_a_regular_file`; local `disk_full`, `too_many_open_files`, `staging_failed`
 */
export async function takeSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { path, env, own, known, signal } = options;
  const stat = statOf(options);
  const { copyLimit = COPY_LIMIT, memoryLimit = 0 } = options;
  let state = await stat(path);
  const valid = known && known.fingerprint.size === state.size &&
    known.fingerprint.mtime_ns === state.mtime_ns &&
    known.fingerprint.file_id === state.file_id;
  const hashes = valid ? known.hashes : null;
  if (own) return new Snapshot(options, state, "in place", hashes);
  const rest = restNeeded(state, env.now());
  if (rest > 0) {
    await env.sleep(rest, signal);
    const rested = await stat(path);
    if (!sameState(state, rested)) throw fileChanging(path);
    state = rested;
  }
  if (state.size > copyLimit) return new Snapshot(options, state, "in place", hashes);
  if (state.size < memoryLimit) {
    const read = await readAndHash(options, state, stat);
    return new Snapshot(options, state, read.bytes, read.hashes);
  }
  const copyTo = typeof options.copyTo === "string" ? options.copyTo : options.copyTo();
  return new Snapshot(options, state, { path: copyTo }, await copyAndHash(options, copyTo, state, stat));
}
