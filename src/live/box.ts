/** Boxes of cells: `offset` and `shape` per axis, cells in C order. */

export interface Box {
  offset: readonly number[];
  shape: readonly number[];
}

/** Number of cells. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((n, length) => n * length, 1);
}

/** Steps in cells from one index to the next, per axis, of C order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis] ?? 1;
  }
  return strides;
}

/** Runs of neighbouring cells of a box: its first axes one by one, its last one whole. */
export function eachRun(
  { offset, shape }: Box,
  strides: readonly number[],
  visit: (cell: number, index: number, length: number) => void,
): void {
  const last = shape.length - 1;
  if (last < 0) return visit(0, 0, 1);
  const length = shape[last] ?? 0;
  if (sizeOf(shape) === 0) return;
  let start = 0;
  for (let axis = 0; axis <= last; axis++) start += (offset[axis] ?? 0) * (strides[axis] ?? 0);
  if (last === 0) return visit(start, 0, length);
  const at = new Array<number>(last).fill(0);
  for (let index = 0;; index += length) {
    visit(start, index, length);
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      const next = (at[axis] ?? 0) + 1;
      start += strides[axis] ?? 0;
      if (next < (shape[axis] ?? 0)) {
        at[axis] = next;
        break;
      }
      start -= next * (strides[axis] ?? 0);
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** What two boxes have in common; undefined when that is nothing. */
export function intersection(a: Box, b: Box): Box | undefined {
  const offset: number[] = [];
  const shape: number[] = [];
  for (let axis = 0; axis < a.offset.length; axis++) {
    const from = Math.max(a.offset[axis] ?? 0, b.offset[axis] ?? 0);
    const to = Math.min(end(a, axis), end(b, axis));
    if (to <= from) return undefined;
    offset.push(from);
    shape.push(to - from);
  }
  return { offset, shape };
}

/** Where a box ends on an axis, exclusive. */
export function end({ offset, shape }: Box, axis: number): number {
  return (offset[axis] ?? 0) + (shape[axis] ?? 0);
}

/** The box that is exactly the cells of both together; undefined when that is no box. */
export function union(a: Box, b: Box): Box | undefined {
  let differing = -1;
  let aHoldsB = true;
  let bHoldsA = true;
  for (let axis = 0; axis < a.offset.length; axis++) {
    const [from, to] = [a.offset[axis] ?? 0, end(a, axis)];
    const [otherFrom, otherTo] = [b.offset[axis] ?? 0, end(b, axis)];
    if (otherFrom < from || otherTo > to) aHoldsB = false;
    if (from < otherFrom || to > otherTo) bHoldsA = false;
    if (from !== otherFrom || to !== otherTo) differing = differing === -1 ? axis : -2;
  }
  if (aHoldsB) return a;
  if (bHoldsA) return b;
  if (differing < 0) return undefined;
  const from = Math.min(a.offset[differing] ?? 0, b.offset[differing] ?? 0);
  const to = Math.max(end(a, differing), end(b, differing));
  if (to - from > (a.shape[differing] ?? 0) + (b.shape[differing] ?? 0)) return undefined;
  return { offset: a.offset.with(differing, from), shape: a.shape.with(differing, to - from) };
}

/** A box in pieces of at most so many cells each. */
export function* pieces(box: Box, cells: number): Generator<Box> {
  const total = sizeOf(box.shape);
  if (total === 0) return;
  if (total <= cells) return yield box;
  const axis = box.shape.findIndex((length) => length > 1);
  const length = box.shape[axis] ?? 1;
  const step = Math.max(1, Math.floor(cells / (total / length)));
  for (let from = 0; from < length; from += step) {
    yield* pieces({
      offset: box.offset.with(axis, (box.offset[axis] ?? 0) + from),
      shape: box.shape.with(axis, Math.min(step, length - from)),
    }, cells);
  }
}
