/** How an upload is cut into parts. */

const MIB = 1024 * 1024;
/** The platform's default, and the least that S3 takes for all parts but the last: a cut connection costs little. */
const LEAST = 5 * MIB;
/**
 * S3 takes at most 10,000 parts. A tenth of that costs a thousandth of the file when a connection is cut, and keeps the
 * links, which come in one reply and are remembered by the client, signed in a fraction of a second and below 1 MB.
 */
const MOST_PARTS = 1000;

/** Bytes of each part but the last, for a file of `size` bytes. Whole MiB, so that parts lie on pages. */
export function partSizeFor(size: number): number {
  return Math.max(LEAST, Math.ceil(size / MOST_PARTS / MIB) * MIB);
}

/** An empty file has one part, which is empty. */
export function partCount({ size, part_size }: { size: number; part_size: number }): number {
  return Math.max(1, Math.ceil(size / part_size));
}

/** First byte and length of a part, numbered from 1. */
export function partRange(
  upload: { size: number; part_size: number },
  number: number,
): { start: number; length: number } {
  const start = (number - 1) * upload.part_size;
  return { start, length: Math.min(upload.part_size, upload.size - start) };
}
