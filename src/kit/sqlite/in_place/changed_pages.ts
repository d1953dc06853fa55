/** Which pages a database got new content for since a state of it was taken, by what its write-ahead log says. */
import { fileStamp, type ReadOnlyFile } from "./read_only_file.ts";
import {
  FRAME_HEADER_SIZE,
  type FrameHeader,
  framePosition,
  parseFrameHeader,
  sameSalts,
  type WalHeader,
} from "./wal_format.ts";
import { readWalHeader } from "./wal_index.ts";

/**
 * Follows the frames behind a state. A checkpoint copies only frames that are in the log into the database, so a page
 * that no such frame names is in the database file as it was, whatever is written there meanwhile.
 */
export class ChangedPages {
  /** Pages with newer frames, committed or not. */
  readonly pages = new Set<number>();
  #header: WalHeader;
  #frame: number;
  readonly #id: string;

  /** @param lastFrame the last one that belongs to the state */
  constructor(readonly log: ReadOnlyFile, readonly generation: WalHeader, lastFrame: number) {
    this.#header = generation;
    this.#frame = lastFrame;
    this.#id = log.stamp().id;
  }

  /** Whether the log is still of the generation in which the state was taken: the state's frames are in it. */
  isSameGeneration(): boolean {
    const now = readWalHeader(this.log);
    return now !== null && sameSalts(now, this.generation);
  }

  /**
   * Looks at the frames that were appended.
   * @returns false when some may have been missed: the log is gone, or began again unseen
   */
  collect(): boolean {
    for (;;) {
      if (fileStamp(this.log.path)?.id !== this.#id) return false;
      const header = readWalHeader(this.log);
      if (!header) return false;
      if (!sameSalts(header, this.#header) && !this.#followRestart(header)) return false;
      this.#readFrames();
      const after = readWalHeader(this.log);
      if (after && sameSalts(after, this.#header)) return true;
    }
  }

  /**
   * The log began again: all its frames went into the database, and are overwritten from the first on. Those not seen
   * yet must still be there, up to the last commit; where the file ends elsewhere it was cut (`journal_size_limit`).
   */
  #followRestart(header: WalHeader): boolean {
    const isNext = header.salt1 === (this.#header.salt1 + 1) >>> 0;
    if (!isNext || !this.#isOurs(this.#frameAt(this.#frame))) return false;
    this.#readFrames();
    const [last, next] = [this.#frameAt(this.#frame), this.#frameAt(this.#frame + 1)];
    if (next && sameSalts(next, header)) return false;
    const end = framePosition(this.#frame + 1, this.#header.pageSize);
    if (!next && (this.log.stamp().size !== end || last?.commitPages === 0)) return false;
    [this.#header, this.#frame] = [header, 0];
    return true;
  }

  #isOurs(frame: FrameHeader | null): frame is FrameHeader {
    return frame !== null && sameSalts(frame, this.#header);
  }

  #readFrames(): void {
    for (;;) {
      const frame = this.#frameAt(this.#frame + 1);
      if (!this.#isOurs(frame)) return;
      this.pages.add(frame.page);
      this.#frame++;
    }
  }

  #frameAt(frame: number): FrameHeader | null {
    if (frame < 1) return null;
    const bytes = new Uint8Array(FRAME_HEADER_SIZE);
    const position = framePosition(frame, this.#header.pageSize);
    return this.log.readAt(bytes, position) === bytes.length ? parseFrameHeader(bytes) : null;
  }
}
