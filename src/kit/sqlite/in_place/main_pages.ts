/** Pages of the database file itself; those that follow one another are read in blocks. */
import type { ReadOnlyFile } from "./read_only_file.ts";

/** Bytes. */
const BLOCK = 1 << 17;
/** A table's pages have pages of others between them. */
const MOST_GAP = 4;
/** So many steps forward make a sequence. */
const SEQUENCE = 3;

export class MainPages {
  #block = new Uint8Array(0);
  /** First page of the block, and pages in it. */
  #first = 0;
  #count = 0;
  #last = 0;
  #steps = 0;

  constructor(readonly file: ReadOnlyFile, readonly pageSize: number) {}

  /** A page out of a block, only lent; null when it is not read in sequence. */
  inSequence(page: number): Uint8Array | null {
    this.#steps = page > this.#last && page <= this.#last + MOST_GAP ? this.#steps + 1 : 0;
    this.#last = page;
    if (page < this.#first || page >= this.#first + this.#count) {
      if (this.#steps < SEQUENCE) return null;
      this.#readBlock(page);
    }
    const at = (page - this.#first) * this.pageSize;
    return page < this.#first + this.#count ? this.#block.subarray(at, at + this.pageSize) : null;
  }

  #readBlock(page: number): void {
    if (this.#block.length === 0) this.#block = new Uint8Array(Math.max(BLOCK, this.pageSize));
    const length = this.file.readAt(this.#block, (page - 1) * this.pageSize);
    [this.#first, this.#count] = [page, Math.floor(length / this.pageSize)];
  }

  /** One page of its own; zeros where the file ends. */
  single(page: number): Uint8Array {
    const content = new Uint8Array(this.pageSize);
    this.file.readAt(content, (page - 1) * this.pageSize);
    return content;
  }
}
