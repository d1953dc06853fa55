/** Reads entries of `/Data/Data` or of a trace channel: arrays (inner, columns, entries) that grow along the last axis. */
import type { LiveHdf5Dataset } from "../../../src/kit/hdf5_live/types.ts";
import { layoutError } from "../log_layout.ts";

/** Bytes of one reading. */
const BOX_BYTES = 16 << 20;

export interface EntryExtent {
  inner: number;
  columns: number;
  entries: number;
}

/** @throws SyncError `labber_layout` when it is no array of numbers with two or three axes */
export function extentOf(dataset: LiveHdf5Dataset): EntryExtent {
  const [inner, columns, entries = 1, ...more] = dataset.shape;
  const { dtype } = dataset;
  const isReal = dtype !== undefined && dtype !== "c8" && dtype !== "c16" && dtype !== "text";
  if (inner === undefined || columns === undefined || more.length > 0 || !isReal) {
    throw layoutError(`${dataset.path}: expected numbers (inner, columns, entries)`);
  }
  return { inner, columns, entries };
}

/** How many entries fit into a number of bytes, at least one. */
export function entriesIn(bytes: number, { inner, columns }: EntryExtent): number {
  return Math.max(1, Math.floor(bytes / Math.max(1, inner * columns * Float64Array.BYTES_PER_ELEMENT)));
}

/**
 * The values of each column in order of time: entry after entry, the inner index fastest.
 * @param inner how many of the inner values to take
 */
export function readEntries(
  dataset: LiveHdf5Dataset,
  extent: EntryExtent,
  from: number,
  to: number,
  inner = extent.inner,
): Float64Array[] {
  const count = to - from;
  const out = Array.from({ length: extent.columns }, () => new Float64Array(inner * count));
  if (inner * count === 0) return out;
  const most = Math.max(1, Math.floor(BOX_BYTES / (inner * count * Float64Array.BYTES_PER_ELEMENT)));
  for (let c0 = 0; c0 < extent.columns; c0 += most) {
    const nc = Math.min(most, extent.columns - c0);
    const hasEntries = dataset.shape.length === 3;
    const values = dataset.read(
      hasEntries ? [0, c0, from] : [0, c0],
      hasEntries ? [inner, nc, count] : [inner, nc],
    ) as ArrayLike<number | bigint>;
    for (let i = 0; i < inner; i++) {
      for (let c = 0; c < nc; c++) {
        const column = out[c0 + c] as Float64Array, row = (i * nc + c) * count;
        for (let e = 0; e < count; e++) column[e * inner + i] = Number(values[row + e]);
      }
    }
  }
  return out;
}
