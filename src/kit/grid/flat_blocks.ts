/** Runs of a flat array as blocks of the grid that it is. */

/** A block of a grid whose cells follow each other in C order. */
export interface FlatBlock {
  offset: number[];
  shape: number[];
  /** Flat position of its first cell, and how many there are. */
  start: number;
  length: number;
}

/**
 * The fewest blocks that hold the cells `from` ≤ i < `to` of an array in C order: the rest of a row, whole rows, the
 * begin of the next; at most two per axis. Positions beyond the shape are left out.
 */
export function* flatBlocks(shape: readonly number[], from: number, to: number): Generator<FlatBlock> {
  /** Cells below one step along each axis. */
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const end = Math.min(to, (shape[0] ?? 1) * (steps[0] ?? 1));
  for (let at = Math.max(0, from); at < end;) {
    const axis = steps.findIndex((step) => at % step === 0 && end - at >= step);
    const step = steps[axis] ?? 1;
    const offset = steps.map((s, k) => Math.floor(at / s) % (shape[k] ?? 1));
    const count = Math.min(Math.floor((end - at) / step), (shape[axis] ?? 1) - (offset[axis] ?? 0));
    const extent = shape.map((length, k) => k < axis ? 1 : k === axis ? count : length);
    yield { offset, shape: extent, start: at, length: count * step };
    at += count * step;
  }
}
