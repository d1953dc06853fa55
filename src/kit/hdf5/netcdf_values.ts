/** Writes the values of one numeric array: whole when small, else chunk by chunk. */
import { deflateSync } from "node:zlib";
import { sizeOf, type SlabSource } from "../labelled.ts";
import { chunkShape, slabs } from "./chunk_layout.ts";
import { change, type OpenNetcdf, withBytes } from "./netcdf_file.ts";
import { type NumericDtype, rawBytes, STORED } from "./stored_types.ts";

/** Arrays below this many bytes are stored plainly: chunks and gzip would cost more than they save. */
const PLAIN_BYTES = 64 * 1024;
const DEFLATE_FILTER = 1;
const AUTOMATIC_LEVEL = 1;

/**
 * Creates a numeric dataset and fills it from `source`; without one it stays unwritten (zeros that take no space).
 * The array arrives in rising, contiguous slabs of whole chunks and at most 8 MiB.
 * @param gzip deflate level, or undefined to let a sample of the values decide
 */
export async function writeNumericDataset(
  file: OpenNetcdf,
  path: string,
  dtype: NumericDtype,
  shape: readonly number[],
  source: SlabSource | undefined,
  gzip: number | undefined,
): Promise<void> {
  const what = `${file.name}: variable ${path}`;
  const { bytes: itemBytes } = STORED[dtype];
  const read = async (start: number, length: number) =>
    source && length > 0
      ? rawBytes(what, dtype, await source(start, length), length)
      : new Uint8Array(length * itemBytes);
  const size = sizeOf(shape);
  if (size * itemBytes < PLAIN_BYTES) {
    createDataset(file, path, dtype, await read(0, size), { shape });
    return;
  }

  const chunks = chunkShape(shape, itemBytes);
  const pieces = source ? slabs(shape, chunks, itemBytes) : [];
  let created = false;
  for (const piece of pieces) {
    const bytes = await read(piece.start, piece.length);
    if (!created) {
      const level = gzip ?? (shrinks(bytes) ? AUTOMATIC_LEVEL : 0);
      if (level === 0 && piece.length === size) {
        createDataset(file, path, dtype, bytes, { shape });
        return;
      }
      createGrown(file, path, dtype, shape, chunks, level);
      created = true;
    }
    const count = piece.count.map(BigInt), offset = piece.offset.map(BigInt), stride = count.map(() => 1n);
    change(what, () =>
      withBytes(
        file.module,
        bytes,
        (pointer) => file.module.set_dataset_data(file.id, path, count, offset, stride, pointer),
      ));
  }
  if (!created) createGrown(file, path, dtype, shape, chunks, 0);
}

interface StorageLayout {
  shape: readonly number[];
  /** Largest shape it can grow to; its own shape when absent. */
  maxshape?: readonly number[];
  chunks?: readonly number[];
  /** Deflate level; 0 = none. */
  level?: number;
}

/** Creates a dataset; `bytes` are all its values. */
function createDataset(
  file: OpenNetcdf,
  path: string,
  dtype: NumericDtype,
  bytes: Uint8Array,
  { shape, maxshape = shape, chunks, level = 0 }: StorageLayout,
): void {
  const metadata = {
    ...file.typeOf(STORED[dtype].notation),
    shape: shape.map(BigInt),
    maxshape: maxshape.map(BigInt),
    chunks: chunks?.map(BigInt) ?? null,
    compression: level > 0 ? DEFLATE_FILTER : 0,
    compression_opts: level > 0 ? [level] : [],
    track_order: true,
  };
  change(`${file.name}: variable ${path}`, () =>
    withBytes(
      file.module,
      bytes,
      (pointer) => file.module.create_dataset(file.id, path, pointer, metadata),
    ));
}

/** Creates a dataset without values: the library writes all values at creation, so it is made empty and then grows. */
function createGrown(
  file: OpenNetcdf,
  path: string,
  dtype: NumericDtype,
  shape: readonly number[],
  chunks: readonly number[],
  level: number,
): void {
  createDataset(file, path, dtype, new Uint8Array(0), {
    shape: shape.map(() => 0),
    maxshape: shape,
    chunks,
    level,
  });
  change(
    `${file.name}: variable ${path}`,
    () => file.module.resize_dataset(file.id, path, shape.map(BigInt)),
  );
}

/**
 * Whether compression is worth its time. Deflating noisy f8 costs 20 times the writing and saves 4 %; set points,
 * digitized signals and unfilled grids shrink to a half or less. Levels above 1 gain little on any of them.
 */
function shrinks(bytes: Uint8Array): boolean {
  // Twice the window in which deflate finds repetitions, from the beginning and from the middle.
  const length = 64 * 1024;
  const middle = Math.floor(bytes.length / 16) * 8;
  const samples = [bytes.subarray(0, length), bytes.subarray(middle, middle + length)];
  const before = samples.reduce((sum, sample) => sum + sample.length, 0);
  const after = samples.reduce(
    (sum, sample) => sum + deflateSync(sample, { level: AUTOMATIC_LEVEL }).length,
    0,
  );
  return after < 0.75 * before;
}
