/** Fixed arrays: the chunk index of datasets whose axes all have a limit (specification, section VII.C). */
import { ByteCursor } from "./byte_cursor.ts";
import { chunkElement, type ElementForm } from "./chunk_element.ts";
import type { ChunkGrid } from "./chunk_grid.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

const CHECKSUM = 4;

export class FixedArray {
  readonly #form: ElementForm;
  readonly #count: number;
  readonly #pageLength: number;
  readonly #data: number | null;

  constructor(readonly source: FileSource, address: number, readonly grid: ChunkGrid) {
    const { widths } = source.superblock;
    const bytes = source.readChecked(address, 8 + widths.length + widths.address + CHECKSUM);
    const cursor = new ByteCursor(bytes, widths).signature("FAHD");
    cursor.version("fixed array", 0);
    const filtered = cursor.u8() === 1;
    this.#form = { filtered, bytes: cursor.u8() };
    this.#pageLength = 2 ** cursor.u8();
    this.#count = cursor.length();
    this.#data = cursor.address();
  }

  element(index: number) {
    if (this.#data === null) return undefined;
    if (index >= this.#count) throw new FormatError(`chunk ${index} of ${this.#count}`);
    const { source, grid } = this, { widths } = source.superblock, { bytes } = this.#form;
    const paged = this.#count > this.#pageLength;
    const pages = paged ? Math.ceil(this.#count / this.#pageLength) : 0;
    const prefix = 6 + widths.address + Math.ceil(pages / 8);
    const block = source.readChecked(this.#data, prefix + (paged ? 0 : this.#count * bytes) + CHECKSUM);
    const cursor = new ByteCursor(block, widths).signature("FADB").skip(2 + widths.address);
    if (!paged) return chunkElement(cursor.skip(index * bytes), this.#form, grid);
    const page = Math.floor(index / this.#pageLength), first = page * this.#pageLength;
    // A page that was never written has nothing in it, not even its checksum.
    if (!((cursor.skip(page >> 3).u8() << (page & 7)) & 0x80)) return undefined;
    const address = this.#data + prefix + CHECKSUM + page * (this.#pageLength * bytes + CHECKSUM);
    const length = Math.min(this.#pageLength, this.#count - first) * bytes;
    const entries = new ByteCursor(source.readChecked(address, length + CHECKSUM), widths);
    return chunkElement(entries.skip((index - first) * bytes), this.#form, grid);
  }
}
