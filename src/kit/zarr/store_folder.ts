/** Read-only access to the files of a store that is a local folder. Nothing outside the folder is ever read. */
import fs from "node:fs";
import path from "node:path";
import { SyncError } from "../errors.ts";
import { damaged } from "./zarr_error.ts";

/** A part of a file: from an offset, or its last bytes. */
export type ByteRange = { offset: number; length: number } | { suffixLength: number };

export class StoreFolder {
  /** For messages: the folder's own name. */
  readonly name: string;
  readonly #root: string;

  /** @throws SyncError `zarr_unreadable` when there is no such folder */
  constructor(folder: string) {
    this.name = path.basename(path.resolve(folder));
    try {
      this.#root = fs.realpathSync(folder);
      if (!fs.statSync(this.#root).isDirectory()) throw new Error("not a folder");
    } catch (cause) {
      throw this.#unreadable("", cause);
    }
  }

  /**
   * Bytes of one file, or a range of it; undefined when there is no such file (a missing chunk).
   * @param key path below the store with `/`
   * @throws SyncError `zarr_damaged` for a key or link that leaves the store, a range outside the file, or more than
   * `limit` bytes
   */
  read(key: string, options: { range?: ByteRange; limit?: number } = {}): Uint8Array | undefined {
    const file = this.#resolve(key);
    if (file === undefined) return undefined;
    let handle: number;
    try {
      // Only plain files: opening a pipe or a device could wait for ever.
      if (!fs.statSync(file).isFile()) return undefined;
      handle = fs.openSync(file, "r");
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw this.#unreadable(key, cause);
    }
    try {
      const size = fs.fstatSync(handle).size;
      const { offset, length } = this.#extent(key, size, options.range);
      if (length > (options.limit ?? Infinity)) {
        throw damaged(
          this.name,
          `${key} has ${length} bytes, more than the ${options.limit} that it can need`,
        );
      }
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const n = fs.readSync(handle, bytes, done, length - done, offset + done);
        if (n === 0) throw damaged(this.name, `${key} became shorter while it was read`);
        done += n;
      }
      return bytes;
    } catch (cause) {
      throw cause instanceof SyncError ? cause : this.#unreadable(key, cause);
    } finally {
      fs.closeSync(handle);
    }
  }

  /** Names of the sub-folders of a folder, sorted; folders that are links to the outside are left out. */
  folders(key: string): string[] {
    const folder = this.#resolve(key);
    if (folder === undefined) return [];
    try {
      return fs.readdirSync(folder, { withFileTypes: true })
        .filter((e) =>
          e.isDirectory() || e.isSymbolicLink() && this.#isInnerFolder(path.join(folder, e.name))
        )
        .map((e) => e.name)
        .sort();
    } catch (cause) {
      throw this.#unreadable(key, cause);
    }
  }

  /** Bytes of all files below the store, not following links; stops counting at `enough`. */
  bytesOnDisk(enough: number): number {
    let total = 0;
    const pending = [this.#root];
    for (let folder = pending.pop(); folder !== undefined && total < enough; folder = pending.pop()) {
      for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
        const full = path.join(folder, entry.name);
        if (entry.isDirectory()) pending.push(full);
        else if (entry.isFile()) total += fs.statSync(full, { throwIfNoEntry: false })?.size ?? 0;
      }
    }
    return total;
  }

  /** The real path of a key, undefined when nothing is there. */
  #resolve(key: string): string | undefined {
    const parts = key === "" ? [] : key.split("/");
    if (parts.some((p) => p === "" || p === "." || p === ".." || p.includes("\0") || p.includes("\\"))) {
      throw damaged(this.name, `the key ${JSON.stringify(key)} is not a path inside the store`);
    }
    let real: string;
    try {
      real = fs.realpathSync(path.join(this.#root, ...parts));
    } catch (cause) {
      if (isMissing(cause)) return undefined;
      throw this.#unreadable(key, cause);
    }
    if (!this.#contains(real)) throw damaged(this.name, `${key} is a link that leaves the store`);
    return real;
  }

  #contains(real: string): boolean {
    return real === this.#root || real.startsWith(this.#root + path.sep);
  }

  #isInnerFolder(link: string): boolean {
    try {
      const real = fs.realpathSync(link);
      return this.#contains(real) && fs.statSync(real).isDirectory();
    } catch {
      // A dangling or circular link leads to no folder.
      return false;
    }
  }

  #extent(key: string, size: number, range?: ByteRange): { offset: number; length: number } {
    if (range === undefined) return { offset: 0, length: size };
    const { offset, length } = "offset" in range
      ? range
      : { offset: size - range.suffixLength, length: range.suffixLength };
    if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
      throw damaged(this.name, `${key} ends before the bytes ${offset} to ${offset + length}`);
    }
    return { offset, length };
  }

  #unreadable(key: string, cause: unknown): SyncError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new SyncError("source", "zarr_unreadable", `${this.name}: ${key || "the store"}: ${reason}`, {
      hint: "Check that the folder exists and that the agent may read it.",
      cause,
    });
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // ENAMETOOLONG: no such file can exist either.
  return code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
}
