/**
 * Follows one growing dataset. Rows (indices of the first axis) are settled once their successor exists, or the cursor
 * has passed them; of settled rows only checksums are kept. The rows behind them are read again at each look and
 * compared, since a row may exist before its values do.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { LiveHdf5Dataset, LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import type { LiveChange, LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import { cellRange, liveValues, noValues, sameCell, widthOf } from "./live_cells.ts";
import { type Progress, progressOf } from "./progress.ts";
import { runBoxes } from "./run_boxes.ts";
import { SweepPace } from "./sweep_pace.ts";

/** Read in one look at most. */
const SLAB_BYTES = 1024 * 1024;
/** Behind a cursor so much is looked at for values that came out of order. */
const AHEAD_BYTES = 64 * 1024;
/** A dataset of fixed size without cursor is read whole at each look up to this size, else block by block. */
const SMALL_BYTES = 256 * 1024;
const BLOCK_BYTES = 16 * 1024;

export interface DatasetLook {
  changes: LiveChange[];
  more: boolean;
}

export class DatasetFollower {
  progress: Progress;
  readonly #width: number;
  readonly #fill: LiveValues;
  readonly #zeroFill: boolean;
  /** Extent that subscribers know. */
  #known: number[];
  #settled = 0;
  /** What is behind the settled rows, and which of its cells were sent. */
  #tail: LiveValues;
  #sent = new Uint8Array(0);
  /** Checksum per block of settled rows. */
  #checksums: number[] = [];
  #sweepAt = 0;
  /** The block in which a settled value changed last: there, or beside it, it goes on. */
  #hot = 0;
  readonly #pace = new SweepPace();
  /** Settled rows hold cells that were not sent, since nothing shows that they are written. */
  #hasGaps = false;

  constructor(
    readonly file: Pick<LiveHdf5File, "consistent">,
    readonly dataset: LiveHdf5Dataset,
    readonly name: string,
    readonly dtype: LiveDtype,
  ) {
    this.#width = widthOf(dtype);
    this.#fill = liveValues(dataset.fillValue(), dtype);
    this.#zeroFill = [...this.#fill].every((value) => Number(value) === 0);
    this.#tail = noValues(dtype);
    this.progress = progressOf(dataset);
    this.#known = [...this.progress.extent];
  }

  /** Nothing says in which order it is written: any cell may change at any time. */
  get isUnordered(): boolean {
    return this.progress.passed === undefined && this.dataset.maxShape[0] !== Infinity;
  }

  /**
   * New and changed cells behind the settled ones.
   * @param final the writer has finished: whatever is in the extent counts as written
   * @param rested nothing was written for a while: rows that exist are written, also where they hold the fill value
   * @throws SyncError; nothing is lost then
   */
  look(final: boolean, rested = false): DatasetLook {
    const { from, to, wanted, values } = this.file.consistent(() => this.#readTail(final));
    const { extent } = this.progress;
    const changes: LiveChange[] = [];
    if (values) {
      const settled = Math.max(from, Math.min(final ? to : this.#settledRows(), to));
      const isExisting = final || (rested && !this.isUnordered && this.progress.passed === undefined);
      const evident = isExisting ? to : this.isUnordered ? from : settled;
      this.#compare(values, from, to, settled, evident, changes);
    }
    const reached = this.#known.map((n, axis) => Math.max(n, reachOf(changes, axis)));
    if (`${reached}` !== `${extent}`) changes.push({ type: "extent", var: this.name, shape: [...extent] });
    this.#known = [...extent];
    return { changes, more: to < wanted };
  }

  /** Looks for settled cells that changed after all where it is likely, and in turn everywhere. @param now monotonic ms */
  watch(blocks: number, now: number): LiveChange[] {
    const changes: LiveChange[] = [];
    if (this.#pace.isHot(now)) {
      const hot = this.#hot;
      for (let block = Math.max(0, hot - 1); block <= hot + 1; block++) {
        this.#sweepBlock(block, false, changes);
      }
      this.#pace.found(now, changes.length > 0);
    }
    if (this.#pace.isDue(now)) {
      const before = changes.length, { more } = this.#sweep(blocks, false, changes);
      this.#pace.found(now, changes.length > before);
      if (!more) this.#pace.over(now);
    }
    return changes;
  }

  /**
   * Looks for settled cells that changed after all, `blocks` blocks on from the last time.
   * @param final as for {@link look}
   * @returns `more`: there are blocks behind them
   */
  sweep(blocks: number, final: boolean): DatasetLook {
    const changes: LiveChange[] = [];
    return { changes, ...this.#sweep(blocks, final, changes) };
  }

  #sweep(blocks: number, final: boolean, changes: LiveChange[]): { more: boolean } {
    for (let i = 0; i < blocks; i++) {
      if (!this.#sweepBlock(this.#sweepAt, final, changes)) {
        this.#sweepAt = 0;
        return { more: false };
      }
      this.#sweepAt++;
    }
    return { more: true };
  }

  /** @returns false when there is no such block */
  #sweepBlock(block: number, final: boolean, changes: LiveChange[]): boolean {
    const size = this.#blockRows(), from = block * size, to = Math.min(from + size, this.#settled);
    if (this.dtype === "text" || from >= to) return false;
    const values = this.file.consistent(() => this.#read(from, to)), checksum = checksumOf(values, 0);
    if (this.#checksums[block] !== checksum || (final && this.#hasGaps)) {
      const all = final || !this.isUnordered;
      this.#send(values, from, to, (i) => all || !this.#isFill(values, i), changes);
      this.#checksums[block] = checksum;
      this.#hot = block;
    }
    return true;
  }

  /** The next sweep begins at the first row. */
  rewind(): void {
    this.#sweepAt = 0;
  }

  #readTail(final: boolean): { from: number; to: number; wanted: number; values?: LiveValues } {
    this.dataset.refresh();
    this.progress = progressOf(this.dataset);
    const { extent } = this.progress, rows = extent[0] ?? 0;
    if (rows < this.#settled || !this.#isSamePlace(extent)) this.#forget();
    const slab = Math.max(1, Math.floor(SLAB_BYTES / this.#rowBytes()));
    const from = this.#settled, wanted = final ? rows : this.#rowsOfInterest();
    const to = Math.max(from, Math.min(wanted, from + slab));
    const isEmpty = to === from || sizeOf(extent.slice(1)) === 0;
    return { from, to, wanted, ...(isEmpty ? {} : { values: this.#read(from, to) }) };
  }

  /** Whether the cells that were read stand at the same place in C order now. */
  #isSamePlace(extent: number[]): boolean {
    const axis = extent.findIndex((n, i) => i > 0 && n !== this.#known[i]);
    if (axis < 0) return true;
    const grew = (extent[axis] ?? 0) > (this.#known[axis] ?? 0);
    const others = extent.every((n, i) => i <= axis || n === this.#known[i]);
    return grew && others && this.#settled === 0 && sizeOf(this.#known.slice(0, axis)) <= 1;
  }

  #compare(
    values: LiveValues,
    from: number,
    to: number,
    settled: number,
    evidentRows: number,
    changes: LiveChange[],
  ): void {
    const { extent, passed = 0 } = this.progress;
    const inner = sizeOf(extent.slice(1)), cells = (to - from) * inner;
    const sent = new Uint8Array(cells);
    sent.set(this.#sent.subarray(0, cells));
    let evident = (evidentRows - from) * inner;
    evident = Math.max(evident, Math.min(passed - from * inner, cells));
    if (this.#zeroFill) {
      // Zeros are ordinary values: those before a value that is written are taken for written.
      for (let i = cells - 1; i >= evident; i--) if (!this.#isFill(values, i)) evident = i + 1;
    }
    const isNew = (i: number) =>
      (i < evident || !this.#isFill(values, i)) &&
      !(sent[i] && sameCell(values, i, this.#tail, i, this.#width));
    this.#send(values, from, to, (i) => {
      const send = isNew(i);
      if (send) sent[i] = 1;
      return send;
    }, changes);
    this.#hasGaps ||= evident < (settled - from) * inner;
    this.#settle(values, from, settled, inner);
    this.#tail = cellRange(values, (settled - from) * inner, cells, this.#width);
    this.#sent = sent.slice((settled - from) * inner);
  }

  /** Patches of the cells of some rows that are to be sent. */
  #send(
    values: LiveValues,
    from: number,
    to: number,
    isSent: (cell: number) => boolean,
    changes: LiveChange[],
  ): void {
    const inner = this.progress.extent.slice(1), row = sizeOf(inner), cells = (to - from) * row;
    for (let i = 0; i < cells; i++) {
      if (!isSent(i)) continue;
      let end = i + 1;
      while (end < cells && isSent(end)) end++;
      for (const box of runBoxes([to, ...inner], from * row + i, end - i)) {
        const next = i + sizeOf(box.shape);
        const part = cellRange(values, i, next, this.#width);
        changes.push({ type: "patch", var: this.name, ...box, values: part });
        i = next;
      }
    }
  }

  #settle(values: LiveValues, from: number, settled: number, inner: number): void {
    const size = this.#blockRows();
    for (let row = from; row < settled && this.dtype !== "text";) {
      const block = Math.floor(row / size), end = Math.min(settled, (block + 1) * size);
      const part = cellRange(values, (row - from) * inner, (end - from) * inner, this.#width);
      this.#checksums[block] = checksumOf(part, row % size === 0 ? 0 : this.#checksums[block] ?? 0);
      row = end;
    }
    this.#settled = settled;
  }

  #rowsOfInterest(): number {
    const rows = this.progress.extent[0] ?? 0;
    if (this.progress.passed === undefined) return rows;
    const ahead = Math.max(2, Math.floor(AHEAD_BYTES / this.#rowBytes()));
    return Math.min(rows, this.#settledRows() + ahead);
  }

  #settledRows(): number {
    const rows = this.progress.extent[0] ?? 0;
    if (this.progress.passedRows !== undefined) return this.progress.passedRows;
    if (!this.isUnordered) return Math.max(0, rows - 1);
    return this.#rowBytes() * rows > SMALL_BYTES ? rows : 0;
  }

  #read(from: number, to: number): LiveValues {
    const inner = this.progress.extent.slice(1);
    return liveValues(this.dataset.read([from, ...inner.map(() => 0)], [to - from, ...inner]), this.dtype);
  }

  #isFill(values: LiveValues, cell: number): boolean {
    return sameCell(values, cell, this.#fill, 0, this.#width);
  }

  #forget(): void {
    this.#settled = 0;
    this.#tail = noValues(this.dtype);
    this.#sent = new Uint8Array(0);
    this.#checksums = [];
    this.#sweepAt = this.#hot = 0;
  }

  #rowBytes(): number {
    return Math.max(1, sizeOf(this.progress.extent.slice(1)) * this.dataset.type.bytes);
  }

  #blockRows(): number {
    return Math.max(1, Math.floor(BLOCK_BYTES / this.#rowBytes()));
  }
}

/** How far patches reach along an axis. */
function reachOf(changes: LiveChange[], axis: number): number {
  return changes.reduce(
    (reach, c) => c.type === "patch" ? Math.max(reach, (c.offset[axis] ?? 0) + (c.shape[axis] ?? 0)) : reach,
    0,
  );
}

function checksumOf(values: LiveValues, before: number): number {
  if (Array.isArray(values)) return 0;
  return crc32(Buffer.from(values.buffer, values.byteOffset, values.byteLength), before);
}
