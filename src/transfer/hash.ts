/** Plain md5 and SHA-256 of bytes in one pass (F10). */
import { createHash } from "node:crypto";
import type { FileSystem } from "../env.ts";
import { readChunks } from "./read_chunks.ts";

/** Lower-case hex. */
export interface Hashes {
  md5: string;
  sha256: string;
}

/** Both hashes and the size of bytes that come in pieces. */
export class Hasher {
  readonly #md5 = createHash("md5");
  readonly #sha256 = createHash("sha256");
  size = 0;

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    this.#sha256.update(bytes);
    this.size += bytes.length;
  }

  /** Ends hashing. */
  digest(): Hashes {
    return { md5: this.#md5.digest("hex"), sha256: this.#sha256.digest("hex") };
  }
}

/**
 * Hashes a file that nobody writes to any more; for a user's file take a {@link Snapshot}.
 * @throws SyncError of class busy, data or local when it cannot be read
 */
export async function hashFile(
  fs: Pick<FileSystem, "open">,
  path: string,
  signal?: AbortSignal,
): Promise<Hashes & { size: number }> {
  const hasher = new Hasher();
  for await (const chunk of readChunks(fs, path)) {
    signal?.throwIfAborted();
    hasher.update(chunk);
  }
  return { size: hasher.size, ...hasher.digest() };
}
