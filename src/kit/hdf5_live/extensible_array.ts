/**
 * Extensible arrays: the chunk index of datasets with one axis without limit (specification, section VII.D). The first
 * entries stand in the index block; data blocks follow, the first ones listed there, too, the others in super blocks,
 * each of which doubles the number of data blocks or their size.
 */
import { ByteCursor } from "./byte_cursor.ts";
import { chunkElement, type ElementForm } from "./chunk_element.ts";
import type { ChunkGrid } from "./chunk_grid.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

const CHECKSUM = 4;

/** A run of data blocks of one size. */
interface SuperBlock {
  blocks: number;
  blockLength: number;
  /** Of the first entry, counted from the end of the index block's own ones. */
  firstEntry: number;
  firstBlock: number;
}

export class ExtensibleArray {
  readonly #form: ElementForm;
  readonly #maxBits: number;
  readonly #indexEntries: number;
  readonly #leastLength: number;
  readonly #leastPointers: number;
  readonly #pageLength: number;
  readonly #index: number | null;

  constructor(readonly source: FileSource, address: number, readonly grid: ChunkGrid) {
    const { widths } = source.superblock;
    const bytes = source.readChecked(address, 12 + 6 * widths.length + widths.address + CHECKSUM);
    const cursor = new ByteCursor(bytes, widths).signature("EAHD");
    cursor.version("extensible array", 0);
    const filtered = cursor.u8() === 1;
    this.#form = { filtered, bytes: cursor.u8() };
    this.#maxBits = cursor.u8();
    this.#indexEntries = cursor.u8();
    this.#leastLength = cursor.u8();
    this.#leastPointers = cursor.u8();
    this.#pageLength = 2 ** cursor.u8();
    this.#index = cursor.skip(6 * widths.length).address();
    if (!isPowerOf2(this.#leastLength) || !isPowerOf2(this.#leastPointers) || this.#maxBits > 64) {
      throw new FormatError("an extensible array of impossible sizes");
    }
  }

  element(index: number) {
    if (this.#index === null) return undefined;
    const { widths } = this.source.superblock, { bytes } = this.#form;
    const superBlocks = 1 + this.#maxBits - Math.log2(this.#leastLength);
    // The data blocks of the first super blocks are listed in the index block itself.
    const direct = 2 * Math.log2(this.#leastPointers), directBlocks = 2 * (this.#leastPointers - 1);
    const pointers = directBlocks + Math.max(0, superBlocks - direct);
    const prefix = 6 + widths.address;
    const length = prefix + this.#indexEntries * bytes + pointers * widths.address + CHECKSUM;
    const block = this.source.readChecked(this.#index, length);
    const cursor = new ByteCursor(block, widths).signature("EAIB").skip(2 + widths.address);
    if (index < this.#indexEntries) {
      return chunkElement(cursor.skip(index * bytes), this.#form, this.grid);
    }
    cursor.skip(this.#indexEntries * bytes);
    const entry = index - this.#indexEntries;
    const number = Math.floor(Math.log2(entry / this.#leastLength + 1));
    if (number >= superBlocks) throw new FormatError(`chunk ${index} is beyond its index`);
    const superBlock = this.#superBlock(number);
    const place = entry - superBlock.firstEntry, nth = Math.floor(place / superBlock.blockLength);
    const inBlock = place % superBlock.blockLength;
    if (number < direct) {
      const address = cursor.skip((superBlock.firstBlock + nth) * widths.address).address();
      return address === null ? undefined : this.#inDataBlock(address, superBlock.blockLength, inBlock);
    }
    const address = cursor.skip((directBlocks + number - direct) * widths.address).address();
    return address === null ? undefined : this.#inSuperBlock(address, superBlock, nth, inBlock);
  }

  #superBlock(number: number): SuperBlock {
    let firstEntry = 0, firstBlock = 0;
    for (let i = 0;; i++) {
      const blocks = 2 ** Math.floor(i / 2), blockLength = 2 ** Math.ceil(i / 2) * this.#leastLength;
      if (i === number) return { blocks, blockLength, firstEntry, firstBlock };
      firstEntry += blocks * blockLength;
      firstBlock += blocks;
    }
  }

  #inSuperBlock(address: number, superBlock: SuperBlock, nth: number, inBlock: number) {
    const { widths } = this.source.superblock;
    const { blocks, blockLength } = superBlock;
    const pages = blockLength > this.#pageLength ? blockLength / this.#pageLength : 0;
    // One bit per page says whether it was written.
    const bitmap = blocks * Math.ceil(pages / 8);
    const prefix = this.#prefix();
    const bytes = this.source.readChecked(address, prefix + bitmap + blocks * widths.address + CHECKSUM);
    const cursor = new ByteCursor(bytes, widths).signature("EASB");
    cursor.at = prefix + bitmap + nth * widths.address;
    const dataBlock = cursor.address();
    if (dataBlock === null) return undefined;
    if (pages === 0) return this.#inDataBlock(dataBlock, blockLength, inBlock);
    const page = Math.floor(inBlock / this.#pageLength), bit = nth * pages + page;
    if (!(((bytes[prefix + (bit >> 3)] ?? 0) << (bit & 7)) & 0x80)) return undefined;
    const length = this.#pageLength * this.#form.bytes + CHECKSUM;
    const entries = this.source.readChecked(dataBlock + prefix + CHECKSUM + page * length, length);
    return chunkElement(
      new ByteCursor(entries, widths).skip((inBlock % this.#pageLength) * this.#form.bytes),
      this.#form,
      this.grid,
    );
  }

  #inDataBlock(address: number, length: number, inBlock: number) {
    const { widths } = this.source.superblock;
    const bytes = this.source.readChecked(address, this.#prefix() + length * this.#form.bytes + CHECKSUM);
    const cursor = new ByteCursor(bytes, widths).signature("EADB");
    cursor.at = this.#prefix() + inBlock * this.#form.bytes;
    return chunkElement(cursor, this.#form, this.grid);
  }

  /** Signature, version, client, header, offset of the block in the array. */
  #prefix(): number {
    return 6 + this.source.superblock.widths.address + Math.ceil(this.#maxBits / 8);
  }
}

function isPowerOf2(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}
