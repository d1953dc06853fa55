/** Reads the fields of a block one after the other; HDF5 metadata are little-endian. */
import { FormatError } from "./format_error.ts";

/** Sizes that the superblock sets for the whole file. */
export interface FieldWidths {
  /** Bytes of an address. */
  address: number;
  /** Bytes of a length. */
  length: number;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export class ByteCursor {
  constructor(readonly bytes: Uint8Array, readonly widths: FieldWidths, public at = 0) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(count: number): this {
    this.#need(count);
    this.at += count;
    return this;
  }

  /** Moves to the next multiple of `size` from the position `origin`. */
  align(size: number, origin = 0): this {
    return this.skip((size - ((this.at - origin) % size)) % size);
  }

  /** An unsigned integer of up to 8 bytes. @throws FormatError above 2^53, which no file reaches */
  uint(size: number): number {
    this.#need(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.bytes[this.at + i] ?? 0);
    if (value > Number.MAX_SAFE_INTEGER) throw new FormatError(`number ${value} is out of range`);
    this.at += size;
    return value;
  }

  u8(): number {
    return this.uint(1);
  }

  u16(): number {
    return this.uint(2);
  }

  u32(): number {
    return this.uint(4);
  }

  /** Null: the address is undefined, nothing is stored. */
  address(): number | null {
    return this.#unlessAllOnes(this.widths.address);
  }

  /** Infinity: unlimited. */
  length(): number {
    return this.#unlessAllOnes(this.widths.length) ?? Infinity;
  }

  /** A position in a dataset, 8 bytes; whatever is larger than any position is Infinity. */
  position(): number {
    const high = new ByteCursor(this.bytes, this.widths, this.at + 4).u32();
    if (high < 0x200000) return this.uint(8);
    this.skip(8);
    return Infinity;
  }

  take(count: number): Uint8Array {
    this.#need(count);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  text(count: number): string {
    const bytes = this.take(count);
    const end = bytes.indexOf(0);
    return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** Text up to the next zero byte, which is passed over. */
  zeroEnded(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new FormatError("text without end");
    const text = this.text(end - this.at);
    this.at = end + 1;
    return text;
  }

  /** @throws FormatError when the next bytes are not this signature */
  signature(expected: string): this {
    const found = String.fromCharCode(...this.take(expected.length));
    if (found !== expected) throw new FormatError(`${expected} expected, ${JSON.stringify(found)} found`);
    return this;
  }

  /** @throws FormatError when the next byte is none of these versions */
  version(what: string, ...known: number[]): number {
    const version = this.u8();
    if (!known.includes(version)) throw new FormatError(`${what} of unknown version ${version}`);
    return version;
  }

  #unlessAllOnes(size: number): number | null {
    this.#need(size);
    const field = this.bytes.subarray(this.at, this.at + size);
    if (field.every((byte) => byte === 0xff)) {
      this.at += size;
      return null;
    }
    return this.uint(size);
  }

  #need(count: number): void {
    if (!(count >= 0) || count > this.left) {
      throw new FormatError(`${count} bytes expected, ${this.left} are there`);
    }
  }
}
