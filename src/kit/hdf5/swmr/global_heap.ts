/** One collection of the global heap (file format specification 3.0, III.E), which holds what has no fixed length. */
import { ByteWriter, padded } from "./byte_writer.ts";

const HEADER_BYTES = 16;
const MINIMUM_BYTES = 4096;

export class GlobalHeap {
  readonly #objects: Uint8Array[] = [];

  /** @param address where the collection will lie */
  constructor(readonly address: number) {}

  /** Stores bytes, which are `count` elements, and gives the 16 bytes by which a value refers to them. */
  store(bytes: Uint8Array, count: number = bytes.length): Uint8Array<ArrayBuffer> {
    if (bytes.length === 0) return new Uint8Array(16);
    const index = this.#objects.push(bytes);
    if (index > 0xffff) throw new RangeError("a global heap collection holds 65,535 objects");
    return new ByteWriter().u32(count).u64(this.address).u32(index).done();
  }

  encoded(): Uint8Array<ArrayBuffer> {
    const used = this.#objects.reduce((sum, { length }) => sum + HEADER_BYTES + padded(length), HEADER_BYTES);
    // Room for the free-space object, which counts its own header.
    const size = Math.max(MINIMUM_BYTES, padded(used + HEADER_BYTES));
    const writer = new ByteWriter().ascii("GCOL").u8(1, 0, 0, 0).u64(size);
    for (const [i, object] of this.#objects.entries()) {
      writer.u16(i + 1).u16(0).u32(0).u64(object.length).bytes(object).zeros(
        padded(object.length) - object.length,
      );
    }
    return writer.u16(0).u16(0).u32(0).u64(size - used).zeros(size - used - HEADER_BYTES).done();
  }
}
