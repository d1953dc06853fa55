/** Reads a box out of an array that lies in the file as it is. */
import { sizeOf } from "../labelled.ts";
import { boxRuns } from "./box_runs.ts";
import type { FileSource } from "./file_source.ts";

/** A stretch with gaps is read at once while it is this short, or the gaps are small. */
const SHORT_BYTES = 64 * 1024;
const MOST_GAPS = 4;

/**
 * The elements of a box in C order.
 * @param address of the array
 * @param bytes of an element
 * @throws FormatError
 */
export function readBox(
  source: FileSource,
  address: number,
  shape: readonly number[],
  start: readonly number[],
  count: readonly number[],
  bytes: number,
): Uint8Array {
  const content = new Uint8Array(sizeOf(count) * bytes);
  if (content.length === 0) return content;
  const from = { shape, start }, to = { shape: count, start: count.map(() => 0) };
  const first = position(shape, start) * bytes;
  const end = (position(shape, start.map((n, i) => n + (count[i] ?? 1) - 1)) + 1) * bytes;
  const stretch = end - first;
  if (stretch <= Math.max(SHORT_BYTES, MOST_GAPS * content.length)) {
    const all = source.readOnce(address + first, stretch);
    for (const run of boxRuns(count, from, to)) {
      const at = run.from * bytes - first;
      content.set(all.subarray(at, at + run.length * bytes), run.to * bytes);
    }
    return content;
  }
  for (const run of boxRuns(count, from, to)) {
    content.set(source.readOnce(address + run.from * bytes, run.length * bytes), run.to * bytes);
  }
  return content;
}

function position(shape: readonly number[], place: readonly number[]): number {
  return shape.reduce((flat, n, axis) => flat * n + (place[axis] ?? 0), 0);
}
