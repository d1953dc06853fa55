/** Pages of the database file itself; those that follow one another are read in blocks. */
import type { ReadOnlyFile } from "./read_only_file.ts";

/** Bytes. */
const BLOCK = 1 << 17;
/**
 * From here on SQLite's locks lie, in a page that holds nothing. Windows keeps others from reading what is locked
 * (https://www.sqlite.org/fileformat2.html#the_lock_byte_page).
 */
const LOCK_BYTES = 2 ** 30;
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
    if ((page - 1) * this.pageSize === LOCK_BYTES) return null;
    if (page < this.#first || page >= this.#first + this.#count) {
      if (this.#steps < SEQUENCE) return null;
      this.#readBlock(page);
    }
    const at = (page - this.#first) * this.pageSize;
    return page < this.#first + this.#count ? this.#block.subarray(at, at + this.pageSize) : null;
  }

  #readBlock(page: number): void {
    if (this.#block.length === 0) this.#block = new Uint8Array(Math.max(BLOCK, this.pageSize));
    const position = (page - 1) * this.pageSize;
    const block = position < LOCK_BYTES ? this.#block.subarray(0, LOCK_BYTES - position) : this.#block;
    const length = this.file.readAt(block, position);
    [this.#first, this.#count] = [page, Math.floor(length / this.pageSize)];
  }

  /** One page of its own; zeros where the file ends, and where its locks are. */
  single(page: number): Uint8Array {
    const content = new Uint8Array(this.pageSize);
    const position = (page - 1) * this.pageSize;
    if (position !== LOCK_BYTES) this.file.readAt(content, position);
    return content;
  }
}
