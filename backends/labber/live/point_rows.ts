/** The points of a log as they are measured: `/Data/Data`, entry by entry. */
import type { LiveHdf5Dataset } from "../../../src/kit/hdf5_live/types.ts";
import type { Log } from "../log_layout.ts";
import { entriesIn, type EntryExtent, extentOf, readEntries } from "./entry_reader.ts";
import { GrowingGrid } from "./growing_grid.ts";
import { NumberList } from "./number_list.ts";

/** Values of all columns for points that follow each other. */
export interface PointBlock {
  /** First point. */
  from: number;
  columns: Float64Array[];
  /** Runs of points that are measured and new, counted from the first point of the log. */
  measured: { from: number; to: number }[];
}

export class PointRows {
  /** Entries that are followed by others: nothing of them changes any more. */
  #settled = 0;
  /** The entry behind them as it was last seen. */
  #tail: { columns: Float64Array[]; measured: number } | undefined;
  #extent: EntryExtent;
  readonly grid: GrowingGrid;
  /** Values of each setpoint at all points. */
  readonly setpoints: NumberList[];
  /** Points at which something is set. */
  points = 0;

  constructor(readonly dataset: LiveHdf5Dataset, readonly log: Log) {
    this.#extent = extentOf(dataset);
    this.grid = new GrowingGrid(log.setpoints.length);
    this.setpoints = log.setpoints.map(() => new NumberList());
  }

  /** Points of one entry. */
  get inner(): number {
    return this.#extent.inner;
  }

  /**
   * Takes note of what the file holds now. To be called inside of a consistent reading, like `next`.
   * @returns false when the array is another one
   */
  refresh(): boolean {
    this.dataset.refresh();
    const { inner, columns, entries } = this.#extent;
    this.#extent = extentOf(this.dataset);
    return this.#extent.inner === inner && this.#extent.columns === columns &&
      this.#extent.entries >= entries;
  }

  /**
   * Reads entries that are new, and the last one again.
   * @param bytes to be read at most, but one entry
   * @param facts `Completed`; `lastPoints`: "Entries, last trace"; `traces`: points that are known to have a trace
   * @returns undefined when the setpoints are others than they were
   */
  next(
    bytes: number,
    facts: { completed: boolean; lastPoints: number | undefined; traces: number },
  ): { block?: PointBlock; more: boolean } | undefined {
    const { inner, entries } = this.#extent;
    const from = this.#settled, to = Math.min(entries, from + entriesIn(bytes, this.#extent));
    if (to <= from || inner === 0) return { more: false };
    const columns = readEntries(this.dataset, this.#extent, from, to);
    const reachesEnd = to === entries;
    const start = from * inner, end = to * inner;
    const lastStart = (to - 1) * inner;
    const points = reachesEnd ? this.#pointsSet(columns, start, Math.max(lastStart, facts.traces), end) : end;
    if (!this.#sameSetpoints(columns, start)) return undefined;
    this.#addSetpoints(columns, start, points);
    const measuredEnd = reachesEnd && !facts.completed
      ? Math.min(points, lastStart + this.#measuredIn(columns, lastStart - start, facts.lastPoints))
      : points;
    const measured = this.#changed(columns, start, measuredEnd);
    this.#settled = reachesEnd ? to - 1 : to;
    this.#tail = reachesEnd
      ? { columns: columns.map((c) => c.slice(lastStart - start)), measured: measuredEnd - lastStart }
      : undefined;
    return { block: { from: start, columns, measured }, more: !reachesEnd };
  }

  /** The end of the points, without those of the last entry at which no column has a value (as `measuredPoints`). */
  #pointsSet(columns: Float64Array[], start: number, least: number, end: number): number {
    if (this.log.setpoints.length === 0) return end;
    while (end > least && columns.every((column) => Number.isNaN(column[end - 1 - start]))) end--;
    return end;
  }

  /** Whether points that are known already are still set as they were. */
  #sameSetpoints(columns: Float64Array[], start: number): boolean {
    return this.log.setpoints.every(({ columns: [k] }, s) => {
      const known = this.setpoints[s] as NumberList, now = columns[k];
      for (let p = start; p < this.points; p++) {
        if (!Object.is(known.at(p), now?.[p - start])) return false;
      }
      return true;
    });
  }

  #addSetpoints(columns: Float64Array[], start: number, points: number): void {
    if (points <= this.points) return;
    const added = this.log.setpoints.map(({ columns: [k] }) =>
      columns[k]?.subarray(this.points - start, points - start) ?? new Float64Array(0)
    );
    added.forEach((values, s) => this.setpoints[s]?.append(values));
    for (let p = 0; p < points - this.points; p++) this.grid.push(added.map((values) => values[p] ?? NaN));
    this.points = points;
  }

  /**
   * Points of the last entry that are measured. Labber makes room for the whole entry, with its setpoints and NaN for
   * what is to be measured; it tells how far it is, or the last value does. Whether NaN behind that is a reading shows
   * when the next entry begins.
   */
  #measuredIn(columns: Float64Array[], start: number, told: number | undefined): number {
    const scalars = this.log.scalars.flatMap(({ columns }) => columns).map((k) => columns[k]);
    if (scalars.length === 0) return this.inner;
    let end = this.inner;
    while (end > 0 && scalars.every((column) => Number.isNaN(column?.[start + end - 1] ?? NaN))) end--;
    return told !== undefined && told >= end && told < this.inner ? told : end;
  }

  /** Runs of points up to `end` that are new, or other than they were in the last entry seen. */
  #changed(columns: Float64Array[], start: number, end: number): { from: number; to: number }[] {
    const tail = this.#tail;
    const isKnown = (p: number) =>
      tail !== undefined && p - start < tail.measured &&
      columns.every((column, k) => Object.is(column[p - start], tail.columns[k]?.[p - start]));
    const runs: { from: number; to: number }[] = [];
    const knownEnd = tail ? Math.min(end, start + tail.measured) : start;
    for (let p = start; p < knownEnd; p++) {
      if (isKnown(p)) continue;
      const last = runs.at(-1);
      if (last?.to === p) last.to++;
      else runs.push({ from: p, to: p + 1 });
    }
    if (end > knownEnd) {
      const last = runs.at(-1);
      if (last?.to === knownEnd) last.to = end;
      else runs.push({ from: knownEnd, to: end });
    }
    return runs;
  }
}
