/** Scattered cells of an array as few boxes: what one patch of a live stream can carry. */
import { sizeOf } from "../labelled.ts";

export interface CellBox {
  offset: number[];
  shape: number[];
  /** Where the rows of the box (along the last axis, in C order) begin in the list of cells. */
  rows: number[];
}

/**
 * Boxes that together are exactly the given cells, each once.
 * @param cells flat C-order positions, ascending, none twice
 */
export function cellBoxes(cells: ArrayLike<number>, shape: readonly number[]): CellBox[] {
  let boxes = rowsOf(cells, shape);
  for (let axis = shape.length - 2; axis >= 0 && boxes.length > 1; axis--) boxes = merged(boxes, axis);
  return boxes;
}

/** Runs of neighbouring cells along the last axis. */
function rowsOf(cells: ArrayLike<number>, shape: readonly number[]): CellBox[] {
  const boxes: CellBox[] = [];
  const length = shape.at(-1) ?? 1;
  for (let from = 0; from < cells.length;) {
    const first = cells[from] ?? 0;
    const end = (Math.floor(first / length) + 1) * length;
    let to = from + 1;
    while (to < cells.length && cells[to] === first + (to - from) && first + (to - from) < end) to++;
    const box = shape.map(() => 1);
    if (box.length > 0) box[box.length - 1] = to - from;
    boxes.push({ offset: coordinates(first, shape), shape: box, rows: [from] });
    from = to;
  }
  return boxes;
}

function coordinates(cell: number, shape: readonly number[]): number[] {
  return shape.map((n, axis) => Math.floor(cell / sizeOf(shape.slice(axis + 1))) % n);
}

/** Joins boxes that follow each other along an axis and are alike in all others. */
function merged(boxes: readonly CellBox[], axis: number): CellBox[] {
  const out: CellBox[] = [];
  const last = new Map<string, CellBox>();
  for (const box of boxes) {
    const others = (list: number[]) => list.toSpliced(axis, 1).join();
    const key = `${others(box.offset)}:${others(box.shape)}`;
    const before = last.get(key);
    if (before && (before.offset[axis] ?? 0) + (before.shape[axis] ?? 0) === box.offset[axis]) {
      before.shape[axis] = (before.shape[axis] ?? 0) + (box.shape[axis] ?? 0);
      before.rows.push(...box.rows);
    } else {
      out.push(box);
      last.set(key, box);
    }
  }
  return out;
}
