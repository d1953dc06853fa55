/** md5 and SHA-256 of bytes that pass by, in one go. */
import { createHash } from "node:crypto";

/** Hashed without giving the event loop a turn, at most: about 2 ms. */
export const PIECE = 1024 * 1024;

export class ContentHash {
  #md5 = createHash("md5");
  #sha256 = createHash("sha256");
  size = 0;

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    this.#sha256.update(bytes);
    this.size += bytes.length;
  }

  /** Ends the count; hashes in lower-case hex. */
  digest(): { size: number; md5: string; sha256: string } {
    return { size: this.size, md5: this.#md5.digest("hex"), sha256: this.#sha256.digest("hex") };
  }
}
