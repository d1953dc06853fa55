/** The global heap, in which values of variable length lie (specification, section III.E). */
import type { VariableLengthStore } from "../hdf5/decode.ts";
import { ByteCursor } from "./byte_cursor.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";

const LARGEST_COLLECTION = 32 * 1024 * 1024;
/** Bytes that are kept, and that are given by one store (one reading of one box or attribute). */
const MOST_KEPT = 32 * 1024 * 1024, MOST_GIVEN = 64 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** Values of variable length of a file: length, address of a collection, and index in it. */
export function globalHeapStore(source: FileSource): VariableLengthStore {
  const collections = new Map<number, Map<number, Uint8Array>>();
  let given = 0, kept = 0;
  const find = (bytes: Uint8Array, at: number): { length: number; object: Uint8Array } => {
    const cursor = new ByteCursor(bytes, source.superblock.widths, at);
    const length = cursor.u32(), address = cursor.address() ?? 0, index = cursor.u32();
    // Never written.
    if (length === 0 || address === 0) return { length: 0, object: NOTHING };
    let objects = collections.get(address);
    if (!objects) {
      if (kept > MOST_KEPT) {
        collections.clear();
        kept = 0;
      }
      collections.set(address, objects = readCollection(source, address));
      for (const object of objects.values()) kept += object.length;
    }
    const object = objects.get(index);
    if (!object) throw new FormatError(`object ${index} of the global heap at ${address} is missing`);
    // In a damaged file everything may refer to one large object.
    given += object.length;
    if (given > MOST_GIVEN) throw new FormatError("values of variable length are too long");
    return { length, object };
  };
  return {
    text: (bytes, at) => {
      const { length, object } = find(bytes, at);
      if (length > object.length) throw new FormatError("a text is longer than its place in the heap");
      const text = object.subarray(0, length), end = text.indexOf(0);
      return end < 0 ? text : text.subarray(0, end);
    },
    sequence: (bytes, at, itemBytes) => {
      const { length, object } = find(bytes, at);
      if (length * itemBytes > object.length) throw new FormatError("a sequence is longer than its place");
      return { length, bytes: object.slice(0, length * itemBytes) };
    },
  };
}

function readCollection(source: FileSource, address: number): Map<number, Uint8Array> {
  const { widths } = source.superblock;
  const head = new ByteCursor(source.read(address, 8 + widths.length), widths).signature("GCOL").skip(4);
  const size = head.length();
  if (size > LARGEST_COLLECTION) throw new FormatError(`a global heap of ${size} bytes`);
  const cursor = new ByteCursor(source.read(address, size), widths, head.at);
  const objects = new Map<number, Uint8Array>();
  while (cursor.left >= 8 + widths.length) {
    const index = cursor.u16(), length = cursor.skip(6).length();
    // Index 0 is the free space at the end.
    if (index === 0) break;
    objects.set(index, cursor.take(length));
    if (cursor.left > 0) cursor.align(8, head.at);
  }
  return objects;
}
