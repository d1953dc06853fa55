/** What is known of variables that share their points, and which cells changed since they were last seen. */
import type { LiveDtype, LiveValues } from "../../../src/kit/live.ts";
import { BLOCK, CellStore, isSame } from "./cell_store.ts";
import { blank, cut, FillPattern, widthOf, wordsOf } from "./cell_values.ts";
import { LONGEST_GAP, OrderEvidence, TogetherEvidence } from "./written_evidence.ts";

/** Cells `from` to `to` of a variable are written, and new or other than they were. */
export interface Run {
  from: number;
  to: number;
}

/** One variable of a table. */
export class TableColumn {
  readonly fill: FillPattern;
  readonly order = new OrderEvidence();
  readonly together = new TogetherEvidence();
  readonly store: CellStore;
  /** Cells that hold the fill pattern and are data all the same: a byte each, by block. */
  readonly #readings = new Map<number, Uint8Array>();

  constructor(readonly dtype: LiveDtype, readonly isMeasured: boolean, folder: string) {
    this.fill = new FillPattern(dtype);
    this.store = new CellStore(dtype, folder);
  }

  isReading(cell: number): boolean {
    return this.#readings.get(Math.floor(cell / BLOCK))?.[cell % BLOCK] === 1;
  }

  addReading(cell: number): void {
    const block = Math.floor(cell / BLOCK);
    let cells = this.#readings.get(block);
    if (!cells) this.#readings.set(block, cells = new Uint8Array(BLOCK));
    cells[cell % BLOCK] = 1;
  }

  /** Forgets the cells from `length` on. */
  trim(length: number): void {
    for (const [block, cells] of this.#readings) {
      cells.fill(0, Math.min(BLOCK, Math.max(0, length - block * BLOCK)));
    }
    this.order.trim(length);
  }
}

/** What a scan keeps of a cell. */
const HAS = 1, HAD = 2, OTHER = 4;

export class PointTable implements Disposable {
  /** Blocks that were read before: 1, or 2 when they have to be judged again. */
  #known = new Uint8Array(0);
  /** Cells of the measured variables in each block that are not written; 65535 and more alike. */
  #missing = new Uint16Array(0);
  #length = 0;
  /** Columns of which cells that were read before hold something else now; to be cleared by whom it concerns. */
  readonly rewritten = new Set<number>();

  constructor(readonly columns: readonly TableColumn[]) {}

  get length(): number {
    return this.#length;
  }

  /** Whether all points were seen. */
  get isKnown(): boolean {
    return this.#known.every((known) => known !== 0);
  }

  /** Whether every cell of the measured variables is written. */
  get isFull(): boolean {
    return this.#known.every((known) => known === 1) && this.#missing.every((count) => count === 0);
  }

  /** Takes over a changed number of points. */
  resize(length: number): void {
    if (length === this.#length) return;
    const kept = Math.ceil(Math.min(length, this.#length) / BLOCK);
    const blocks = Math.ceil(length / BLOCK);
    const known = new Uint8Array(blocks), missing = new Uint16Array(blocks);
    known.set(this.#known.subarray(0, kept));
    missing.set(this.#missing.subarray(0, kept));
    const ragged = Math.min(length, this.#length) % BLOCK > 0 ? kept - 1 : kept;
    // Of integers no value stands for "not measured": all of that block are as new.
    if (known[ragged] === 1) known[ragged] = this.columns.some(({ dtype }) => dtype === "i8") ? 0 : 2;
    [this.#known, this.#missing] = [known, missing];
    for (const { dtype, store } of this.columns) {
      store.resize(length);
      const rest = Math.min(length, kept * BLOCK) - this.#length;
      if (rest > 0) store.write(this.#length, blank(dtype, rest));
    }
    if (length < this.#length) { for (const column of this.columns) column.trim(length); }
    this.#length = length;
  }

  /**
   * Compares what was read now with what was known.
   * @param from first point, a multiple of BLOCK; the values end at a multiple of it or at the end of the table
   * @returns runs of changed cells for each column
   */
  scan(from: number, values: readonly LiveValues[]): Run[][] {
    const [first] = this.columns;
    const runs = this.columns.map((): Run[] => []);
    if (!first) return runs;
    const end = from + (values[0]?.length ?? 0) / widthOf(first.dtype);
    for (let at = from; at < end; at += BLOCK) {
      const to = Math.min(at + BLOCK, end);
      this.#scanBlock(
        at,
        to,
        values.map((v, k) => cut(v, this.columns[k]?.dtype ?? "f8", at - from, to - from)),
        runs,
      );
    }
    return runs;
  }

  #scanBlock(from: number, to: number, values: LiveValues[], runs: Run[][]): void {
    const block = from / BLOCK;
    const known = this.#known[block] !== 0;
    const before = this.columns.map((column) => column.store.read(from, to - from));
    const same = values.map((now, k) => known && isSame(now, before[k] ?? []));
    if (same.every(Boolean) && this.#known[block] === 1) return;
    const flags = this.columns.map((column, k) =>
      flagsOf(column, values[k] ?? [], known && !same[k] ? before[k] : undefined, known, to - from)
    );
    this.#observe(from, flags, known);
    let missing = 0;
    this.columns.forEach((column, k) => {
      missing += this.#decide(column, from, flags, k, known, runs[k] ?? []);
      if (same[k]) return;
      column.store.write(from, values[k] ?? []);
      if (known) this.rewritten.add(k);
    });
    this.#known[block] = 1;
    this.#missing[block] = Math.min(missing, 65535);
  }

  /** Cells that later evidence has turned into readings, without a look at the file. */
  promote(): Run[][] {
    const runs = this.columns.map((): Run[] => []);
    const byOrder = this.#last((column) => column.order.proven);
    // Only a point at which something is measured can hold a reading.
    const end = this.columns.some((column) => column.together.proven) ? this.#last(() => true) : byOrder;
    for (let block = 0; block * BLOCK <= end; block++) {
      if (this.#missing[block] === 0 || this.#known[block] !== 1) continue;
      const from = block * BLOCK, length = Math.min(BLOCK, this.#length - from);
      const flags = this.columns.map((column) =>
        flagsOf(column, column.store.read(from, length), undefined, true, length)
      );
      const missing = this.columns.map((column, k) =>
        this.#decide(column, from, flags, k, true, runs[k] ?? [], this.#gaps(column, from, length))
      );
      this.#missing[block] = Math.min(missing.reduce((a, b) => a + b, 0), 65535);
    }
    return runs;
  }

  /** Marks the cells of a block in which NaN is a reading by the order of the points. */
  #gaps(column: TableColumn, from: number, length: number): Uint8Array | undefined {
    if (!column.isMeasured || !column.order.proven) return undefined;
    const start = Math.max(0, from - LONGEST_GAP - 1);
    const end = Math.min(this.#length, from + length + LONGEST_GAP + 1);
    const flags = flagsOf(column, column.store.read(start, end - start), undefined, true, end - start);
    const gaps = new Uint8Array(length);
    // Before the first point there is nothing to come.
    let last = start === 0 ? -1 : NaN;
    for (let i = 0; i < flags.length; i++) {
      if (flags[i] === 0) continue;
      if (i - last <= LONGEST_GAP + 1) {
        gaps.fill(1, Math.max(0, last + 1 + start - from), Math.max(0, i + start - from));
      }
      last = i;
    }
    return gaps;
  }

  /** Position of the last value of such columns. */
  #last(which: (column: TableColumn) => boolean): number {
    return Math.max(-1, ...this.columns.filter((c) => c.isMeasured && which(c)).map((c) => c.order.last));
  }

  /** Takes note of when values came. */
  #observe(from: number, flags: readonly Uint8Array[], known: boolean): void {
    const measured = this.columns.map((column, k) => ({ column, own: flags[k] as Uint8Array }))
      .filter(({ column }) => column.isMeasured);
    for (const { column, own } of measured) {
      let count = 0, first = 0, last = 0;
      for (let i = 0; i < own.length; i++) {
        const flag = own[i] as number;
        if ((flag & HAS) === 0 || (flag & HAD) !== 0 || column.isReading(from + i)) continue;
        if (!known) {
          column.order.addKnown(from + i);
          continue;
        }
        if (count++ === 0) first = from + i;
        last = from + i;
        const others = measured.filter((other) => other.own !== own).map((other) => other.own[i] as number);
        column.together.addNew(others.some((o) => (o & HAD) !== 0), others.some((o) => (o & HAS) !== 0));
      }
      column.order.addNew(count, first, last);
    }
  }

  /** Finds the cells of a column to send. @returns how many measured ones are not written */
  #decide(
    column: TableColumn,
    from: number,
    flags: readonly Uint8Array[],
    k: number,
    known: boolean,
    runs: Run[],
    gaps?: Uint8Array,
  ): number {
    const own = flags[k] as Uint8Array;
    const others = column.isMeasured && column.together.proven
      ? flags.filter((_, other) => other !== k && this.columns[other]?.isMeasured)
      : [];
    let missing = 0;
    for (let i = 0; i < own.length; i++) {
      const flag = own[i] as number, cell = from + i;
      const wasReading = (flag & HAS) === 0 && column.isReading(cell);
      let written = (flag & HAS) !== 0 || wasReading;
      // A value that became NaN again was measured again.
      if (
        !written &&
        ((flag & HAD) !== 0 || gaps?.[i] === 1 || others.some((o) => ((o[i] as number) & HAS) !== 0))
      ) {
        column.addReading(cell);
        written = true;
      } else if (wasReading && (flag & OTHER) === 0) continue;
      if (!written) {
        if (column.isMeasured) missing++;
        continue;
      }
      if (known && (flag & HAD) !== 0 && (flag & OTHER) === 0) continue;
      const last = runs.at(-1);
      if (last?.to === cell) last.to++;
      else runs.push({ from: cell, to: cell + 1 });
    }
    return missing;
  }

  [Symbol.dispose](): void {
    for (const column of this.columns) column.store[Symbol.dispose]();
  }
}

/** @param before values that may be others; undefined when there are none, or the same ones */
function flagsOf(
  column: TableColumn,
  now: LiveValues,
  before: LiveValues | undefined,
  known: boolean,
  length: number,
): Uint8Array {
  const flags = new Uint8Array(length);
  const words = wordsOf(now), old = before && wordsOf(before);
  const perCell = words.length / length;
  for (let i = 0; i < length; i++) {
    let flag = column.fill.holds(now, words, i) ? 0 : HAS;
    if (before && old) {
      if (!column.fill.holds(before, old, i)) flag |= HAD;
      let other = perCell === 0 && now[i] !== before[i];
      for (let w = i * perCell; w < (i + 1) * perCell; w++) other ||= words[w] !== old[w];
      if (other) flag |= OTHER;
    } else if (known && (flag & HAS) !== 0) flag |= HAD;
    flags[i] = flag;
  }
  return flags;
}
