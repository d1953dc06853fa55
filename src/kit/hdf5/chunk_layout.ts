/** How an array is cut into chunks, and the order in which the chunks are written. */

/** Most bytes that are held and handed over at once. */
export const SLAB_BYTES = 8 * 1024 * 1024;
/** Size aimed at for one chunk: readers cache 1 MiB or more. */
const CHUNK_BYTES = 512 * 1024;

/** A box inside an array. */
export interface Slab {
  offset: number[];
  count: number[];
  /** First element and number of elements, flat in C order. */
  start: number;
  length: number;
}

/**
 * Chunks that are contiguous in C order: whole trailing axes, part of one axis, one index of the leading axes. An
 * array that arrives in C order then fills chunk after chunk, and no chunk is compressed twice.
 */
export function chunkShape(shape: readonly number[], itemBytes: number): number[] {
  const chunk = shape.map((n) => Math.max(n, 1));
  let bytes = chunk.reduce((a, b) => a * b, itemBytes);
  for (const [axis, length] of chunk.entries()) {
    if (bytes <= CHUNK_BYTES) break;
    const parts = Math.min(length, Math.ceil(bytes / CHUNK_BYTES));
    // Equal parts, so that the last chunk is not mostly empty.
    const rows = Math.ceil(length / parts);
    chunk[axis] = rows;
    if (rows > 1) break;
    bytes /= length;
  }
  return chunk;
}

/** Boxes of whole chunks and at most `SLAB_BYTES` that cover the array in C order, each contiguous in C order. */
export function* slabs(
  shape: readonly number[],
  chunk: readonly number[],
  itemBytes: number,
): Generator<Slab, void, undefined> {
  const axis = Math.max(0, chunk.findLastIndex((n, i) => n < (shape[i] ?? 1)));
  const trailing = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const extent = shape[axis] ?? 1;
  const step = chunk[axis] ?? 1;
  const rows = Math.max(step, Math.floor(SLAB_BYTES / (trailing * itemBytes * step)) * step);
  const leading = shape.slice(0, axis);
  const outer = leading.reduce((a, b) => a * b, 1);
  for (let index = 0; index < outer; index++) {
    const offset: number[] = [];
    for (let rest = index, i = axis - 1; i >= 0; i--) {
      const n = leading[i] ?? 1;
      offset[i] = rest % n;
      rest = Math.floor(rest / n);
    }
    for (let row = 0; row < extent; row += rows) {
      const count = Math.min(rows, extent - row);
      yield {
        offset: [...offset, row, ...shape.slice(axis + 1).map(() => 0)],
        count: [...leading.map(() => 1), count, ...shape.slice(axis + 1)],
        start: (index * extent + row) * trailing,
        length: count * trailing,
      };
    }
  }
}

/** Boxes in which an existing dataset is read in C order: of whole chunks where these fit into `SLAB_BYTES`. */
export function readSlabs(
  shape: readonly number[],
  chunks: readonly number[] | null,
  itemBytes: number,
): Iterable<Slab> {
  if (shape.length === 0) return [{ offset: [], count: [], start: 0, length: 1 }];
  const box = [...shape];
  let bytes = box.reduce((a, b) => a * b, itemBytes);
  for (const [axis, length] of shape.entries()) {
    if (bytes <= SLAB_BYTES) break;
    bytes /= length;
    const rows = Math.floor(SLAB_BYTES / bytes);
    const aligned = chunks?.[axis] ?? 1;
    box[axis] = rows < 1 ? 1 : rows < aligned ? rows : rows - rows % aligned;
    if (rows > 1) break;
  }
  return slabs(shape, box, itemBytes);
}
