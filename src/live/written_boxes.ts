/** Measured cells as few boxes. */
import { type Box, end, stridesOf } from "./box.ts";

interface OpenBox {
  offset: number[];
  shape: number[];
}

/**
 * @param runs runs of measured cells in C order of `capacity`, rising and apart
 * @returns boxes that hold exactly these cells, each grown along the last axis first
 */
export function writtenBoxes(
  runs: readonly (readonly [from: number, to: number])[],
  capacity: readonly number[],
): Box[] {
  let boxes = rowsOf(runs, capacity);
  for (let axis = capacity.length - 2; axis >= 0; axis--) boxes = joined(boxes, axis);
  return boxes;
}

/** Runs cut at the ends of rows. */
function rowsOf(runs: readonly (readonly [number, number])[], capacity: readonly number[]): OpenBox[] {
  const dims = capacity.length;
  if (dims === 0) return runs.map(() => ({ offset: [], shape: [] }));
  const strides = stridesOf(capacity);
  // The first axis has no bound of its own.
  const row = dims === 1 ? Infinity : capacity[dims - 1] ?? 1;
  const found: OpenBox[] = [];
  for (const [from, to] of runs) {
    for (let at = from; at < to;) {
      const column = row === Infinity ? at : at % row;
      const length = Math.min(row - column, to - at);
      let rest = at;
      const offset = strides.map((stride) => {
        const index = Math.floor(rest / stride);
        rest -= index * stride;
        return index;
      });
      const shape = new Array<number>(dims).fill(1);
      shape[dims - 1] = length;
      found.push({ offset, shape });
      at += length;
    }
  }
  return found;
}

/** Joins boxes that follow each other on one axis and are alike on all others. */
function joined(boxes: readonly OpenBox[], axis: number): OpenBox[] {
  const found: OpenBox[] = [];
  const open = new Map<string, OpenBox>();
  for (const box of boxes) {
    const key = box.offset.map((from, i) => i === axis ? "" : `${from}+${box.shape[i]}`).join();
    const before = open.get(key);
    if (before && end(before, axis) === box.offset[axis]) {
      before.shape[axis] = (before.shape[axis] ?? 0) + (box.shape[axis] ?? 0);
    } else {
      open.set(key, box);
      found.push(box);
    }
  }
  return found;
}
