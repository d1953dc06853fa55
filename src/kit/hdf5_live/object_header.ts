/** Object headers: the messages that describe a group or dataset (file format specification, section IV.A). */
import { ByteCursor } from "./byte_cursor.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFill: 0x04,
  fill: 0x05,
  link: 0x06,
  layout: 0x08,
  groupInfo: 0x0a,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export interface HeaderMessage {
  type: number;
  /** What it says is found elsewhere (a committed type). */
  shared: boolean;
  data: Uint8Array;
}

/** Most headers are shorter, so that one read is enough. */
const FIRST_READ = 512;
const MOST_BLOCKS = 10_000;
const SHARED = 0x02;

export function readObjectHeader(source: FileSource, address: number): HeaderMessage[] {
  const head = source.readUpTo(address, source.headerBytes.get(address) ?? FIRST_READ);
  return new HeaderReader(source).read(address, head);
}

class HeaderReader {
  readonly #messages: HeaderMessage[] = [];
  readonly #pending: { address: number; length: number }[] = [];
  readonly #seen = new Set<number>();

  constructor(readonly source: FileSource) {}

  read(address: number, head: Uint8Array): HeaderMessage[] {
    const { widths } = this.source.superblock;
    const cursor = new ByteCursor(head, widths);
    if (head[0] === 1) {
      const size = cursor.skip(8).u32();
      this.source.headerBytes.set(address, 16 + size);
      const bytes = 16 + size <= head.length ? head : this.source.read(address, 16 + size);
      this.#old(new ByteCursor(bytes.subarray(0, 16 + size), widths, 16));
      this.#continue((block) => this.#old(new ByteCursor(block, widths)), false);
    } else {
      cursor.signature("OHDR").version("object header", 2);
      const flags = cursor.u8();
      cursor.skip((flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
      const size = cursor.uint(1 << (flags & 3));
      const end = cursor.at + size;
      this.source.headerBytes.set(address, end + 4);
      const bytes = this.source.readChecked(address, end + 4);
      this.#modern(new ByteCursor(bytes.subarray(0, end), widths, cursor.at), flags);
      this.#continue((block) => {
        const inner = new ByteCursor(block.subarray(0, block.length - 4), widths).signature("OCHK");
        this.#modern(inner, flags);
      }, true);
    }
    return this.#messages;
  }

  #continue(parse: (block: Uint8Array) => void, checked: boolean): void {
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) {
      if (this.#seen.has(next.address) || this.#seen.size >= MOST_BLOCKS) {
        throw new FormatError("an object header goes on in a circle");
      }
      this.#seen.add(next.address);
      parse(
        checked
          ? this.source.readChecked(next.address, next.length)
          : this.source.read(next.address, next.length),
      );
    }
  }

  #old(cursor: ByteCursor): void {
    while (cursor.left >= 8) {
      const type = cursor.u16(), size = cursor.u16(), flags = cursor.u8();
      this.#add(type, flags, cursor.skip(3).take(size));
    }
  }

  #modern(cursor: ByteCursor, flags: number): void {
    const ordered = (flags & 0x04) !== 0;
    // What is shorter than a message is a gap.
    while (cursor.left >= (ordered ? 6 : 4)) {
      const type = cursor.u8(), size = cursor.u16(), messageFlags = cursor.u8();
      if (ordered) cursor.skip(2);
      this.#add(type, messageFlags, cursor.take(size));
    }
  }

  #add(type: number, flags: number, data: Uint8Array): void {
    if (type === MESSAGE.continuation) {
      const cursor = new ByteCursor(data, this.source.superblock.widths);
      const address = cursor.address(), length = cursor.length();
      if (address !== null) this.#pending.push({ address, length });
    } else this.#messages.push({ type, shared: (flags & SHARED) !== 0, data });
  }
}
