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

export interface RawPoints {
  extent: EntryExtent;
  /** Entries `from` to `to`. */
  from: number;
  to: number;
  columns: Float64Array[];
  /** Further entries are there. */
  more: boolean;
  /** Points at which something is set, up to the last of these entries. */
  points: number;
}

export interface LogState {
  /** Nothing is added any more. */
  completed: boolean;
  /** "Entries, last trace". */
  lastPoints: number | undefined;
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

  /**
   * Reads entries that are new, and the last one again; to be called inside of a consistent reading. Nothing is taken
   * over yet.
   * @param bytes to be read at most, but one entry
   * @param traces number of points that are known to have a trace
   */
  read(bytes: number, traces: number): RawPoints {
    this.dataset.refresh();
    const extent = extentOf(this.dataset), { inner, entries } = extent;
    const from = Math.min(this.#settled, entries), to = Math.min(entries, from + entriesIn(bytes, extent));
    const columns = readEntries(this.dataset, extent, from, to);
    const more = to < entries, start = from * inner, end = to * inner;
    const least = Math.max(start, (to - 1) * inner, traces);
    return {
      extent,
      from,
      to,
      columns,
      more,
      points: more ? end : this.#pointsSet(columns, start, least, end),
    };
  }

  /**
   * Takes over what was read.
   * @returns undefined when the array, or what was set before, is another one
   */
  take(raw: RawPoints, { completed, lastPoints }: LogState): PointBlock | undefined {
    const { extent: { inner, columns: width, entries }, from, to, columns, more, points } = raw;
    const isOther = inner !== this.#extent.inner || width !== this.#extent.columns ||
      entries < this.#extent.entries;
    const start = from * inner, lastStart = Math.max(start, (to - 1) * inner);
    if (isOther || !this.#sameSetpoints(columns, start)) return undefined;
    this.#extent = raw.extent;
    this.#addSetpoints(columns, start, points);
    const measuredEnd = more || completed
      ? points
      : Math.min(points, lastStart + this.#measuredIn(columns, lastStart - start, lastPoints));
    const measured = this.#changed(columns, start, measuredEnd);
    this.#settled = more ? to : Math.max(from, to - 1);
    this.#tail = more
      ? undefined
      : { columns: columns.map((c) => c.slice(lastStart - start)), measured: measuredEnd - lastStart };
    return { from: start, columns, measured };
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
    const { inner } = this.#extent;
    if (scalars.length === 0) return inner;
    let end = inner;
    while (end > 0 && scalars.every((column) => Number.isNaN(column?.[start + end - 1] ?? NaN))) end--;
    return told !== undefined && told >= end && told < inner ? told : end;
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
