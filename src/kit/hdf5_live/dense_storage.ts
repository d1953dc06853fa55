/** Links and attributes that are too many for their object's header: in a fractal heap, found by a B-tree. */
import { btreeRecords } from "./btree_v2.ts";
import { ByteCursor } from "./byte_cursor.ts";
import type { FileSource } from "./file_source.ts";
import { FractalHeap } from "./fractal_heap.ts";
import { lookup3 } from "../hdf5/lookup3.ts";

/** Types of the records of the trees by name. */
const LINK_BY_NAME = 5, ATTRIBUTE_BY_NAME = 8;
const LINK_ID_BYTES = 7, ATTRIBUTE_ID_BYTES = 8;
const SHARED = 0x02;

/**
 * Link messages of a group with this link info message; only those whose name may be `name` when given.
 */
export function denseLinks(source: FileSource, message: Uint8Array, name?: string): Uint8Array[] {
  const cursor = new ByteCursor(message, source.superblock.widths);
  cursor.version("link info", 0);
  cursor.skip(cursor.u8() & 1 ? 8 : 0);
  const heap = cursor.address(), tree = cursor.address();
  if (heap === null || tree === null) return [];
  const objects = new FractalHeap(source, heap);
  const compare = name === undefined ? undefined : byHash(name, 0);
  return [...btreeRecords(source, tree, [LINK_BY_NAME], compare)].map(({ record }) =>
    objects.object(record.skip(4).take(LINK_ID_BYTES))
  );
}

/** Attribute messages of an object with this attribute info message; those in shared storage are left out. */
export function denseAttributes(source: FileSource, message: Uint8Array, name?: string): Uint8Array[] {
  const cursor = new ByteCursor(message, source.superblock.widths);
  cursor.version("attribute info", 0);
  cursor.skip(cursor.u8() & 1 ? 2 : 0);
  const heap = cursor.address(), tree = cursor.address();
  if (heap === null || tree === null) return [];
  const objects = new FractalHeap(source, heap);
  const compare = name === undefined ? undefined : byHash(name, ATTRIBUTE_ID_BYTES + 5);
  return [...btreeRecords(source, tree, [ATTRIBUTE_BY_NAME], compare)].flatMap(({ record }) => {
    const id = record.take(ATTRIBUTE_ID_BYTES);
    return record.u8() & SHARED ? [] : [objects.object(id)];
  });
}

/** Records are sorted by the hash of their names, which stands at `position`. */
function byHash(name: string, position: number) {
  const bytes = new TextEncoder().encode(name);
  const wanted = lookup3(bytes);
  return (record: ByteCursor) => Math.sign(wanted - record.skip(position).u32());
}
