/** How values are cut into chunks, and what shape is stored while it grows. */
import { sizeOf } from "../../labelled.ts";

/** Values of a chunk, where nothing speaks against it. */
const TARGET = 1000;
/** A step along the first axis should need no more chunks than this. */
const CHUNKS_PER_STEP = 16;
/** Extent of the last axis at the beginning; it doubles. */
const FIRST_EXTENT = 100;

/** Chunk for a dataset of this extent, filled from the last axis on; an extent of 0 is not known yet. */
export function chunkShape(extent: readonly number[]): number[] {
  let room = Math.max(TARGET, Math.ceil(sizeOf(extent.slice(1).map((n) => n || 1)) / CHUNKS_PER_STEP));
  const chunk = new Array<number>(extent.length);
  for (let axis = extent.length - 1; axis >= 0; axis--) {
    const isLast = axis === extent.length - 1;
    const known = axis === 0 ? room : extent[axis]! || (isLast ? FIRST_EXTENT : room);
    chunk[axis] = Math.max(1, Math.min(room, known));
    room = Math.floor(room / chunk[axis]!);
  }
  return chunk;
}

/** The shape to store for an extent: what is stored already, doubled as often as needed. */
export function storedShape(extent: readonly number[], stored: readonly number[]): number[] {
  return extent.map((n, axis) => {
    let room = stored[axis]! || (axis === extent.length - 1 ? FIRST_EXTENT : Math.max(1, n));
    while (room < n) room *= 2;
    return room;
  });
}
