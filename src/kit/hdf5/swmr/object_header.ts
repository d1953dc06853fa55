/** An object header in one block (file format specification 3.0, IV.A.1.b), kept in memory so that fields can change in place. */
import { lookup3 } from "../lookup3.ts";
import { ByteWriter } from "./byte_writer.ts";
import { isAttribute, type Message } from "./messages.ts";

const CHECKSUM_BYTES = 4;

export class ObjectHeader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #ends = new Map<Message, number>();

  /** @throws RangeError if a message has 64 KiB or more */
  constructor(messages: readonly Message[]) {
    const [fourByteSize, orderTracked, orderIndexed, attributePhase] = [2, 4, 8, 16];
    const size = messages.reduce((sum, { body }) => sum + 6 + body.length, 0);
    const writer = new ByteWriter().ascii("OHDR")
      .u8(2, fourByteSize | orderTracked | orderIndexed | attributePhase)
      .u16(0xffff).u16(0) // attributes stay in the header, however many there are
      .u32(size);
    let order = 0;
    for (const message of messages) {
      const { type, body } = message;
      if (body.length > 0xffff) {
        throw new RangeError(`a message of ${body.length} bytes fits no object header`);
      }
      writer.u8(type).u16(body.length).u8(0).u16(isAttribute(message) ? order++ : 0).bytes(body);
      this.#ends.set(message, writer.length);
    }
    this.#bytes = writer.zeros(CHECKSUM_BYTES).done();
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Where the last `bytes` of a message's body lie, for {@link set}. */
  tailOf(message: Message, bytes: number): number {
    const end = this.#ends.get(message);
    if (end === undefined) throw new RangeError("the message is not in this header");
    return end - bytes;
  }

  set(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  /** The bytes with their checksum. */
  sealed(): Uint8Array<ArrayBuffer> {
    const end = this.#bytes.length - CHECKSUM_BYTES;
    this.#view.setUint32(end, lookup3(this.#bytes, end), true);
    return this.#bytes;
  }
}
