/** Labber's arrays (inner, columns, entries) as one column of values each, in the order in which they were measured. */
import { CHUNK, type Column, ColumnWriter } from "../../src/kit/grid/column.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import type { Hdf5Dataset } from "../../src/kit/hdf5/objects.ts";
import type { Hdf5File } from "../../src/kit/hdf5/open.ts";
import { layoutError } from "./log_layout.ts";

/** Bytes that are read at a time. */
const BOX_BYTES = 16 * 1024 * 1024;
/** Deflate shrinks by no more than this (zlib's technical details). */
const DEFLATE_RATIO = 1032;
const SMALL_BYTES = 64 * 1024 * 1024;

export interface EntryShape {
  /** Values within an entry: the fastest sweep, or the samples of a trace. */
  inner: number;
  columns: number;
  entries: number;
}

/**
 * The shape of `/Data/Data` or of a trace.
 * @throws SyncError `labber_layout` when it is no array of numbers with two or three axes
 */
export function entryShape(dataset: Hdf5Dataset): EntryShape {
  const [inner, columns, entries = 1, ...more] = dataset.shape ?? [];
  const { type } = dataset;
  const isReal = type.kind === "number" && type.dtype !== "c8" && type.dtype !== "c16";
  if (inner === undefined || columns === undefined || more.length > 0 || !isReal) {
    throw layoutError(`${dataset.path}: expected numbers (inner, columns, entries)`);
  }
  return { inner, columns, entries };
}

/**
 * Reads all columns in one pass; within each, entries follow each other, and the inner index runs fastest.
 * @param inner how many of the inner values to take; all unless given
 */
export function timeOrdered(
  file: Hdf5File,
  dataset: Hdf5Dataset,
  scratch: Scratch,
  inner?: number,
): Column[] {
  const shape = entryShape(dataset);
  requireStored(file, dataset, shape);
  shape.inner = Math.min(inner ?? shape.inner, shape.inner);
  const writers = Array.from({ length: shape.columns }, () => new ColumnWriter(scratch));
  for (const { offset: [i0, c0, e0], count: [ni, nc, ne] } of boxes(shape, dataset.chunks ?? [])) {
    const hasEntries = dataset.shape?.length === 3;
    const from = hasEntries ? [i0, c0, e0] : [i0, c0], count = hasEntries ? [ni, nc, ne] : [ni, nc];
    const values = dataset.read(from, count) as ArrayLike<number | bigint>;
    for (let c = 0; c < nc; c++) {
      const column = new Float64Array(ni * ne);
      for (let i = 0; i < ni; i++) {
        const row = (i * nc + c) * ne;
        for (let e = 0; e < ne; e++) column[e * ni + i] = Number(values[row + e]);
      }
      writers[c0 + c]?.append("f8", column);
    }
  }
  return writers.map(inPieces);
}

/**
 * The same column, read from its file in small pieces: it keeps a buffer as large as the largest piece, and a log can
 * have a hundred columns.
 */
function inPieces(column: Column): Column {
  const read = (start: number, length: number) => {
    if (length <= CHUNK) return column.read(start, length);
    const values = new Float64Array(length);
    for (let done = 0; done < length; done += CHUNK) {
      values.set(column.read(start + done, Math.min(CHUNK, length - done)) as Float64Array, done);
    }
    return values;
  };
  return { dtype: column.dtype, length: column.length, read };
}

/**
 * Refuses a shape that the file cannot hold the values of: a damaged one would fill the disk.
 * @throws SyncError `labber_layout`
 */
function requireStored(file: Hdf5File, dataset: Hdf5Dataset, { inner, columns, entries }: EntryShape): void {
  const bytes = inner * columns * entries * dataset.type.bytes;
  if (bytes > SMALL_BYTES && bytes > DEFLATE_RATIO * Deno.statSync(file.path).size) {
    throw layoutError(`${file.path}: ${dataset.path}: the file is too small for ${bytes} bytes of values`);
  }
}

type Triple = [number, number, number];

/**
 * Boxes of bounded size, of whole chunks where these fit, that visit the values of every column in order of time.
 * @param chunks chunk lengths along each axis; empty for a dataset without chunks
 * @param most values in a box
 */
export function* boxes(
  { inner, columns, entries }: EntryShape,
  chunks: readonly number[],
  most = BOX_BYTES / Float64Array.BYTES_PER_ELEMENT,
): Generator<{ offset: Triple; count: Triple }> {
  const [ci = 1, cc = columns, ce = 1] = chunks;
  const nc = Math.max(1, Math.min(cc, columns, most));
  const ne = whole(Math.min(most / (inner * nc), entries), ce);
  // Only single entries are split: the values of a column have to stay in order.
  const ni = inner * nc * ne <= most ? inner : whole(Math.min(most / nc, inner), ci);
  for (let e = 0; e < entries; e += ne) {
    for (let c = 0; c < columns; c += nc) {
      for (let i = 0; i < inner; i += ni) {
        const count: Triple = [Math.min(ni, inner - i), Math.min(nc, columns - c), Math.min(ne, entries - e)];
        yield { offset: [i, c, e], count };
      }
    }
  }
}

/** The whole number below `limit`, at least 1, and a multiple of `step` where there is one. */
function whole(limit: number, step: number): number {
  const n = Math.max(1, Math.floor(limit));
  return n >= step ? n - n % step : n;
}
