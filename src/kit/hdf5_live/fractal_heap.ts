/**
 * Fractal heaps: where large groups keep their links, and objects their many attributes (specification, III.G). Direct
 * blocks are not checked by their checksum, since an object is a small part of its block.
 */
import { btreeRecords } from "./btree_v2.ts";
import { ByteCursor } from "./byte_cursor.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

const MANAGED = 0, HUGE = 1, TINY = 2;
/** Record types of the tree of huge objects: found by an id, or by their place itself. */
const HUGE_INDIRECT = 1;

export class FractalHeap {
  readonly #idBytes: number;
  readonly #largestManaged: number;
  readonly #hugeTree: number | null;
  readonly #tableWidth: number;
  readonly #startingBlock: number;
  readonly #largestDirect: number;
  readonly #offsetBytes: number;
  readonly #root: number | null;
  readonly #rootRows: number;

  constructor(readonly source: FileSource, address: number) {
    const { widths } = source.superblock;
    const length = 26 + 3 * widths.address + 12 * widths.length;
    const bytes = source.readChecked(address, length);
    const cursor = new ByteCursor(bytes, widths).signature("FRHP");
    cursor.version("fractal heap", 0);
    this.#idBytes = cursor.u16();
    if (cursor.u16() !== 0) throw new FormatError("a fractal heap with filters");
    cursor.skip(1);
    this.#largestManaged = cursor.u32();
    cursor.length();
    this.#hugeTree = cursor.address();
    cursor.length();
    cursor.address();
    for (let i = 0; i < 8; i++) cursor.length();
    this.#tableWidth = cursor.u16();
    this.#startingBlock = cursor.length();
    this.#largestDirect = cursor.length();
    const bits = cursor.u16();
    this.#offsetBytes = Math.ceil(bits / 8);
    cursor.u16();
    this.#root = cursor.address();
    this.#rootRows = cursor.u16();
    const possible = this.#tableWidth > 0 && this.#startingBlock > 0 && bits > 0 && bits <= 64 &&
      this.#largestDirect >= this.#startingBlock && this.#largestDirect <= 2 ** 31;
    if (!possible) throw new FormatError("a fractal heap of impossible sizes");
  }

  /** The object of a heap id. */
  object(id: Uint8Array): Uint8Array {
    const cursor = new ByteCursor(id, this.source.superblock.widths);
    const kind = (cursor.u8() >> 4) & 3;
    switch (kind) {
      case MANAGED: {
        const offset = cursor.uint(this.#offsetBytes);
        const length = cursor.uint(Math.min(bytesOf(this.#largestManaged), bytesOf(this.#largestDirect)));
        return this.#managed(offset, length);
      }
      case TINY: {
        const first = (id[0] ?? 0) & 15;
        const length = this.#idBytes - 1 > 16 ? first * 256 + cursor.u8() + 1 : first + 1;
        return cursor.take(length);
      }
      case HUGE:
        return this.#huge(cursor);
      default:
        throw new FormatError("a heap id of unknown kind");
    }
  }

  #managed(offset: number, length: number): Uint8Array {
    if (this.#root === null) throw new FormatError("an object of an empty heap");
    let address: number | null = this.#root, rows = this.#rootRows, start = 0;
    // Without rows the root is the one direct block.
    while (rows > 0) {
      const place = this.#placeOf(offset - start);
      if (place.row >= rows) throw new FormatError("a heap id leads out of its heap");
      const at: number = address;
      address = this.#childOf(at, rows, place.row, place.column);
      if (address === null) throw new FormatError("a heap id leads to a block that is not there");
      start += place.start;
      if (place.size <= this.#largestDirect) rows = 0;
      else rows = this.#rowsOf(place.size);
    }
    return this.source.readOnce(address + offset - start, length);
  }

  /** Row and column of the block that holds an offset of an indirect block's space. */
  #placeOf(offset: number): { row: number; column: number; start: number; size: number } {
    let row = 0, start = 0, size = this.#startingBlock;
    // The first two rows are of blocks of the same size, each further one of twice the size of the one before.
    for (; offset >= start + size * this.#tableWidth; row++) {
      start += size * this.#tableWidth;
      if (row > 0) size *= 2;
      if (row > 64) throw new FormatError("a heap id leads out of its heap");
    }
    const column = Math.floor((offset - start) / size);
    return { row, column, start: start + column * size, size };
  }

  #rowsOf(size: number): number {
    return Math.log2(size / (this.#startingBlock * this.#tableWidth)) + 1;
  }

  #childOf(address: number, rows: number, row: number, column: number): number | null {
    const { widths } = this.source.superblock;
    const at = 5 + widths.address + this.#offsetBytes + (row * this.#tableWidth + column) * widths.address;
    new ByteCursor(this.source.read(address, 5), widths).signature("FHIB").version("indirect block", 0);
    if (row >= rows) throw new FormatError("a heap id leads out of its block");
    return new ByteCursor(this.source.read(address + at, widths.address), widths).address();
  }

  #huge(cursor: ByteCursor): Uint8Array {
    const { widths } = this.source.superblock;
    if (this.#idBytes - 1 >= widths.address + widths.length) {
      const address = cursor.address(), length = cursor.length();
      if (address === null) throw new FormatError("a heap object without place");
      return this.source.readOnce(address, length);
    }
    if (this.#hugeTree === null) throw new FormatError("a heap without huge objects");
    const wanted = cursor.uint(Math.min(this.#idBytes - 1, 8));
    const compare = (record: ByteCursor) => {
      const id = record.skip(widths.address + widths.length).uint(widths.length);
      return Math.sign(wanted - id);
    };
    for (const { record } of btreeRecords(this.source, this.#hugeTree, [HUGE_INDIRECT], compare)) {
      const address = record.address(), length = record.length();
      if (address !== null) return this.source.readOnce(address, length);
    }
    throw new FormatError("a huge heap object is missing");
  }
}

function bytesOf(value: number): number {
  return Math.floor(Math.log2(Math.max(1, value)) / 8) + 1;
}
