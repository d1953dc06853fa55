/** Points with several setpoints, seen as cells of the grid that all combinations of their levels span. */
import type { Column } from "./column.ts";
import { CHUNK } from "./column.ts";
import type { Levels } from "./levels.ts";

/** Gives the cell (flat C-order index) of points `start` to `start + length`. */
export type Placement = (start: number, length: number) => Float64Array;

export interface Cells {
  /** Number of levels per setpoint. */
  shape: number[];
  /** Number of cells; beyond 2^53 the placement is not exact. */
  size: number;
  /** Number of points. */
  length: number;
  place: Placement;
}

/** Relates points to cells; `columns` and `levels` belong together. */
export function cellsOf(columns: readonly Column[], levels: readonly Levels[]): Cells {
  const shape = levels.map((l) => l.length);
  return {
    shape,
    size: shape.reduce((a, b) => a * b, 1),
    length: columns[0]?.length ?? 0,
    place: (start, length) => {
      const cells = new Float64Array(length);
      columns.forEach((column, axis) => {
        const ranks = levels[axis]?.ranks(column.read(start, length));
        const extent = shape[axis] ?? 1;
        if (ranks) {
          for (let i = 0; i < length; i++) cells[i] = (cells[i] as number) * extent + (ranks[i] as number);
        }
      });
      return cells;
    },
  };
}

/** What is known about a set of points: whether they lie in C order, and whether a cell holds more than one. */
export function orderOf(cells: Cells): { ascending: boolean; unique: boolean } {
  let last = -1;
  for (const place of chunks(cells)) {
    for (let i = 0; i < place.length; i++) {
      const cell = place[i] as number;
      if (cell <= last) return { ascending: false, unique: isUnique(cells) };
      last = cell;
    }
  }
  return { ascending: true, unique: true };
}

function* chunks(cells: Cells): Generator<Float64Array, void, undefined> {
  for (let start = 0; start < cells.length; start += CHUNK) {
    yield cells.place(start, Math.min(CHUNK, cells.length - start));
  }
}

function isUnique(cells: Cells): boolean {
  if (cells.length > cells.size) return false;
  // One bit a cell, as long as that is not more than sorting all points takes.
  if (cells.size <= Math.max(1 << 26, 64 * cells.length)) {
    const taken = new Uint32Array(Math.ceil(cells.size / 32));
    for (const place of chunks(cells)) {
      for (let i = 0; i < place.length; i++) {
        const cell = place[i] as number;
        const word = Math.floor(cell / 32), bit = 1 << (cell % 32);
        if (((taken[word] as number) & bit) !== 0) return false;
        taken[word] = (taken[word] as number) | bit;
      }
    }
    return true;
  }
  const sorted = allCells(cells).sort();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return false;
  return true;
}

/** The cells of all points: 8 bytes a point. */
export function allCells(cells: Cells): Float64Array {
  const all = new Float64Array(cells.length);
  let start = 0;
  for (const place of chunks(cells)) {
    all.set(place, start);
    start += place.length;
  }
  return all;
}
