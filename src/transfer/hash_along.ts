/** Hashes a large file while its parts are sent, so that it is read once (U2). */
import { createHash } from "node:crypto";
import type { FileBody } from "../platform/transport.ts";
import { fileChanging } from "./file_errors.ts";
import { Hasher, type Hashes } from "./hash.ts";
import type { Snapshot } from "./snapshot.ts";
import type { JournalPart } from "./upload_journal.ts";

/**
 * Takes the bytes of each part on their way to the store while parts follow one another. A part that went beside another
 * one, or was sent by an earlier process, is read again when it is its turn, and must then have the md5 that it had when it
 * was sent: so all parts are of one state of the file (U1).
 */
export class HashAlong {
  readonly #hasher = new Hasher();
  /** The md5 of parts that the store has. */
  readonly #sent = new Map<number, string>();
  /** Bytes hashed so far. */
  #position = 0;
  #catchingUp: Promise<void> = Promise.resolve();

  /** @param partSize bytes @param sent parts that the store has already */
  constructor(
    private readonly source: Snapshot,
    private readonly partSize: number,
    sent: JournalPart[] = [],
  ) {
    for (const { number, md5 } of sent) this.#sent.set(number, md5);
  }

  /** Bytes of a part, hashed while they are read when it is their turn. */
  along(start: number, body: FileBody): FileBody {
    const { size } = body;
    return { size, chunks: () => this.#chunks(start, body) };
  }

  async *#chunks(start: number, body: FileBody): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let at = start;
    for await (const chunk of body.chunks()) {
      const end = at + chunk.length;
      // Those of an attempt before this one are hashed already.
      if (at <= this.#position && this.#position < end) {
        this.#hasher.update(chunk.subarray(this.#position - at));
        this.#position = end;
      }
      at = end;
      yield chunk;
    }
  }

  /** The store has a part. @throws SyncError as {@link catchUp} */
  async sent(part: JournalPart, signal?: AbortSignal): Promise<void> {
    this.#sent.set(part.number, part.md5);
    await this.catchUp(signal);
  }

  /**
   * Reads the parts that are with the store and not hashed, as far as they follow one another.
   * @param onRead called with the bytes hashed so far
   * @throws SyncError busy `file_changing` when one is not what was sent
   */
  catchUp(signal?: AbortSignal, onRead?: (bytes: number) => void): Promise<void> {
    return this.#catchingUp = this.#catchingUp.then(async () => {
      for (;;) {
        const md5 = this.#position % this.partSize === 0
          ? this.#sent.get(this.#position / this.partSize + 1)
          : undefined;
        if (md5 === undefined || this.#position >= this.source.size) return;
        await this.#read(md5, signal);
        onRead?.(this.#position);
      }
    });
  }

  async #read(md5: string, signal: AbortSignal | undefined): Promise<void> {
    const start = this.#position;
    const hash = createHash("md5");
    for await (
      const chunk of this.source.part(start, Math.min(this.partSize, this.source.size - start)).chunks()
    ) {
      signal?.throwIfAborted();
      hash.update(chunk);
      this.#hasher.update(chunk);
      this.#position += chunk.length;
    }
    if (hash.digest("hex") !== md5) throw fileChanging(this.source.source);
  }

  /**
   * The hashes of the whole, which the snapshot knows from now on. Ends hashing.
   * @throws SyncError busy `file_changing`
   */
  async finish(signal?: AbortSignal): Promise<Hashes> {
    await this.catchUp(signal);
    if (this.#position !== this.source.size) throw fileChanging(this.source.source);
    const hashes = this.#hasher.digest();
    await this.source.learn(hashes);
    return hashes;
  }
}
