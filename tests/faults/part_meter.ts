/**
 * Reads along what a client sends to a store, and counts bytes of parts that were sent before: those at a place of a part up
 * to which an earlier request for that part had come. Only what arrived counts, not what was still in the client's buffers.
 */
interface PartRequest {
  part: number;
  size: number;
  sent: number;
}

export class PartMeter {
  /** Bytes of parts that were sent for the first time. */
  fresh = 0;
  /** Bytes of parts that had been sent before. */
  again = 0;
  /** Parts on their way now. */
  readonly underWay = new Set<PartRequest>();
  /** How far each part came. */
  readonly #reached = new Map<number, number>();

  /** A new connection. @returns what is to be told of its bytes, and of its end */
  connection(): { sent(bytes: Uint8Array): void; ended(): void } {
    let head = "";
    let left = 0;
    let request: PartRequest | undefined;
    // Deno 2.9 may send a first piece of a body, without its head, on a fresh connection when the kept one is cut under it.
    let isStray = false;
    const end = () => {
      if (request) {
        this.underWay.delete(request);
        this.#reached.set(request.part, Math.max(request.sent, this.#reached.get(request.part) ?? 0));
      }
      request = undefined;
    };
    return {
      sent: (bytes) => {
        for (let at = 0; at < bytes.length;) {
          if (isStray) {
            this.again += bytes.length - at;
            return;
          }
          if (left === 0) {
            end();
            const byte = bytes[at] ?? 0;
            isStray = head === "" && !(byte >= 0x41 && byte <= 0x5a);
            if (isStray) continue;
            at++;
            head += String.fromCharCode(byte);
            if (!head.endsWith("\r\n\r\n")) continue;
            left = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
            const part = /^PUT \S*[?&]partNumber=(\d+)/.exec(head)?.[1];
            if (part !== undefined && left > 0) {
              request = { part: Number(part), size: left, sent: 0 };
              this.underWay.add(request);
            }
            head = "";
          } else {
            const count = Math.min(left, bytes.length - at);
            if (request) this.#count(request, count);
            left -= count;
            at += count;
          }
        }
      },
      ended: end,
    };
  }

  #count(request: PartRequest, bytes: number): void {
    const known = this.#reached.get(request.part) ?? 0;
    const again = Math.min(bytes, Math.max(0, known - request.sent));
    this.again += again;
    this.fresh += bytes - again;
    request.sent += bytes;
  }
}
