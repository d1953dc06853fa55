/** Which frame of a write-ahead log holds the newest committed content of which page, as SQLite's own recovery finds it. */
import type { ReadOnlyFile } from "./read_only_file.ts";
import {
  addToChecksum,
  type Checksum,
  FRAME_HEADER_SIZE,
  type FrameHeader,
  framePosition,
  parseFrameHeader,
  parseWalHeader,
  sameSalts,
  WAL_HEADER_SIZE,
  type WalHeader,
} from "./wal_format.ts";

/** Bytes of the log that are read at once, at most: behind a few new frames may lie many old ones. */
const BLOCK = 1 << 20;

/** Of a transaction with more pages only the numbers are kept until its commit is found. */
const MOST_KEPT = 64;

/** Called with every page of a commit, in the order of the log, and with its content unless the commit is a large one. */
export type PageVisitor = (page: number, content: Uint8Array | null) => void;

export class WalIndex {
  /** The last frame of the last commit; 0 when nothing is committed. */
  lastFrame = 0;
  /** Pages of the database after that commit. */
  pageCount = 0;
  /** Frames behind the last commit, when it was read on last. */
  openFrames = 0;
  /** Page to frame. */
  readonly frames = new Map<number, number>();
  #checksum: Checksum;

  constructor(readonly header: WalHeader) {
    this.#checksum = header.checksum;
  }

  /**
   * Adds the commits that were appended. What no commit frame follows, or fails its checksum, is left for later: its
   * writer has not finished, or died.
   * @param visit is shown every committed page when it is new
   */
  extend(log: ReadOnlyFile, visit: PageVisitor): void {
    const frameSize = FRAME_HEADER_SIZE + this.header.pageSize;
    let block = new Uint8Array(2 * frameSize);
    // The pages of the transaction whose commit was not found yet, one per frame.
    let open: [page: number, content: Uint8Array | null][] = [];
    let checksum = this.#checksum;
    this.openFrames = 0;
    for (let first = this.lastFrame + 1;;) {
      const length = log.readAt(block, framePosition(first, this.header.pageSize));
      const count = Math.floor(length / frameSize);
      for (let i = 0; i < count; i++) {
        const bytes = block.subarray(i * frameSize, (i + 1) * frameSize);
        const frame = parseFrameHeader(bytes);
        const next = this.#follow(checksum, frame, bytes);
        if (!next) return;
        checksum = next;
        this.openFrames++;
        open.push([frame.page, open.length < MOST_KEPT ? bytes.slice(FRAME_HEADER_SIZE) : null]);
        if (frame.commitPages === 0) continue;
        for (const [page, content] of open) {
          this.frames.set(page, ++this.lastFrame);
          visit(page, content);
        }
        open = [];
        this.openFrames = 0;
        [this.pageCount, this.#checksum] = [frame.commitPages, checksum];
      }
      if (length < block.length) return;
      first += count;
      if (block.length < BLOCK) block = new Uint8Array(2 * block.length);
    }
  }

  /** The checksum after a frame; null when the frame does not continue the log. */
  #follow(
    before: Checksum,
    frame: FrameHeader,
    bytes: Uint8Array,
  ): Checksum | null {
    if (frame.page === 0 || !sameSalts(frame, this.header)) return null;
    const { littleEndian } = this.header;
    const afterHeader = addToChecksum(before, bytes.subarray(0, 8), littleEndian);
    const checksum = addToChecksum(afterHeader, bytes.subarray(FRAME_HEADER_SIZE), littleEndian);
    return checksum[0] === frame.checksum[0] && checksum[1] === frame.checksum[1] ? checksum : null;
  }
}

/** The header of a log as it is now; null when it is none. */
export function readWalHeader(log: ReadOnlyFile): WalHeader | null {
  const bytes = new Uint8Array(WAL_HEADER_SIZE);
  return log.readAt(bytes, 0) === bytes.length ? parseWalHeader(bytes) : null;
}
