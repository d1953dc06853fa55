/** Boxes of cells: copied in runs that are contiguous on both sides, and cut into their parts by chunks. */

/** Where a box lies in an array: the array's shape, and the box's first cell. */
export interface Placement {
  shape: readonly number[];
  start: readonly number[];
}

export interface Run {
  /** Flat C-order positions of the first cell, on both sides. */
  from: number;
  to: number;
  length: number;
}

/** The runs of a box of `count` cells per axis. */
export function* boxRuns(
  count: readonly number[],
  from: Placement,
  to: Placement,
): Generator<Run, void, undefined> {
  if (count.some((n) => n === 0)) return;
  let last = count.length - 1, length = count[last] ?? 1;
  while (last > 0 && count[last] === from.shape[last] && count[last] === to.shape[last]) {
    last--;
    length *= count[last] ?? 1;
  }
  const steps = [...count.slice(0, Math.max(0, last)), ...count.slice(Math.max(0, last)).map(() => 1)];
  for (const step of places(steps)) yield { from: flat(from, step), to: flat(to, step), length };
}

/** Copies a box of `count` cells from one array of elements of `bytes` bytes into another one. */
export function copyBox(
  source: Uint8Array,
  from: Placement,
  target: Uint8Array,
  to: Placement,
  count: readonly number[],
  bytes: number,
): void {
  for (const run of boxRuns(count, from, to)) {
    target.set(source.subarray(run.from * bytes, (run.from + run.length) * bytes), run.to * bytes);
  }
}

/** All places of a grid in C order: the same list each time. */
export function* places(shape: readonly number[], first = 0): Generator<number[], void, undefined> {
  if (shape.some((n) => n === 0) || first >= (shape[0] ?? 1)) return;
  const place = shape.map((_, axis) => axis === 0 ? first : 0);
  for (let axis = 0; axis >= 0;) {
    yield place;
    for (axis = place.length - 1; axis >= 0; axis--) {
      place[axis] = (place[axis] ?? 0) + 1;
      if ((place[axis] ?? 0) < (shape[axis] ?? 0)) break;
      place[axis] = 0;
    }
  }
}

/** What a box has of one chunk. */
export interface ChunkPart {
  /** Place of the chunk in the grid of chunks. */
  scaled: number[];
  /** First cell of the part, counted in the chunk and in the box. */
  inChunk: number[];
  inBox: number[];
  count: number[];
}

/** The parts of a box, chunk by chunk. */
export function* chunkParts(
  offset: readonly number[],
  count: readonly number[],
  chunkShape: readonly number[],
): Generator<ChunkPart, void, undefined> {
  const size = (axis: number) => chunkShape[axis] ?? 1;
  const first = offset.map((n, i) => Math.floor(n / size(i)));
  const chunks = offset.map((n, i) => Math.ceil((n + (count[i] ?? 0)) / size(i)) - (first[i] ?? 0));
  for (const place of places(chunks)) {
    const scaled = place.map((n, i) => n + (first[i] ?? 0));
    const start = scaled.map((n, i) => Math.max(n * size(i), offset[i] ?? 0));
    const end = scaled.map((n, i) => Math.min((n + 1) * size(i), (offset[i] ?? 0) + (count[i] ?? 0)));
    yield {
      scaled,
      inChunk: start.map((n, i) => n - (scaled[i] ?? 0) * size(i)),
      inBox: start.map((n, i) => n - (offset[i] ?? 0)),
      count: start.map((n, i) => (end[i] ?? 0) - n),
    };
  }
}

function flat({ shape, start }: Placement, step: readonly number[]): number {
  return shape.reduce((position, n, axis) => position * n + (start[axis] ?? 0) + (step[axis] ?? 0), 0);
}
