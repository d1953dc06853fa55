/** Undoes the filters of a chunk: deflate, shuffle, fletcher32 (specification, section IV.A.2.l and appendix). */
import { inflateSync } from "node:zlib";
import type { Filter } from "./filter_pipeline.ts";
import { FormatError } from "./format_error.ts";

const DEFLATE = 1, SHUFFLE = 2, FLETCHER32 = 3;

export function isSupported(filter: Filter): boolean {
  return [DEFLATE, SHUFFLE, FLETCHER32].includes(filter.id);
}

/**
 * @param mask bit n: the n-th filter was left out for this chunk
 * @param bytes of the chunk when all filters are undone
 * @throws FormatError when it is damaged, or only half of it is written
 */
export function undoFilters(stored: Uint8Array, filters: Filter[], mask: number, bytes: number): Uint8Array {
  let content = stored;
  for (let i = filters.length - 1; i >= 0; i--) {
    const filter = filters[i];
    if (filter === undefined || (mask >>> i) & 1) continue;
    if (filter.id === DEFLATE) content = inflate(content, bytes);
    else if (filter.id === SHUFFLE) content = unshuffle(content, filter.parameters[0] ?? 1);
    else content = withoutFletcher32(content);
  }
  if (content.length < bytes) throw new FormatError(`a chunk of ${content.length} instead of ${bytes} bytes`);
  return content;
}

function inflate(stored: Uint8Array, bytes: number): Uint8Array {
  try {
    // A checksum of another filter may follow.
    const { buffer, byteOffset, length } = inflateSync(stored, { maxOutputLength: bytes + 4 });
    // Without what is special of node's buffers, whose slices are no copies.
    return new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    throw new FormatError("a chunk can not be decompressed", { cause });
  }
}

/** The n-th bytes of all elements lie together; what is left of a part of an element lies at the end. */
function unshuffle(stored: Uint8Array, elementBytes: number): Uint8Array {
  if (elementBytes < 2 || elementBytes > stored.length) return stored;
  const count = Math.floor(stored.length / elementBytes);
  const content = stored.slice();
  for (let byte = 0, from = 0; byte < elementBytes; byte++) {
    for (let i = 0, to = byte; i < count; i++, to += elementBytes) content[to] = stored[from++] ?? 0;
  }
  return content;
}

function withoutFletcher32(stored: Uint8Array): Uint8Array {
  const end = stored.length - 4;
  if (end < 0) throw new FormatError("a chunk without its checksum");
  const content = stored.subarray(0, end);
  const view = new DataView(stored.buffer, stored.byteOffset);
  const expected = view.getUint32(end, true);
  const sum = fletcher32(content);
  // Old big-endian machines wrote the halves with their bytes swapped.
  const swapped = (((sum & 0xff00ff) << 8) | ((sum >>> 8) & 0xff00ff)) >>> 0;
  if (expected !== sum && expected !== swapped) throw new FormatError("a chunk's checksum is wrong");
  return content;
}

/** Fletcher's checksum of 16-bit big-endian words; an odd byte counts as the upper half of one. */
function fletcher32(bytes: Uint8Array): number {
  let a = 0, b = 0, at = 0;
  for (let left = Math.floor(bytes.length / 2); left > 0;) {
    const block = Math.min(left, 360);
    left -= block;
    for (let i = 0; i < block; i++, at += 2) {
      a += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      b += a;
    }
    a = (a & 0xffff) + (a >>> 16);
    b = (b & 0xffff) + (b >>> 16);
  }
  if (bytes.length % 2 === 1) {
    a += (bytes[at] ?? 0) << 8;
    b += a;
    a = (a & 0xffff) + (a >>> 16);
    b = (b & 0xffff) + (b >>> 16);
  }
  a = (a & 0xffff) + (a >>> 16);
  b = (b & 0xffff) + (b >>> 16);
  return ((b << 16) | a) >>> 0;
}
