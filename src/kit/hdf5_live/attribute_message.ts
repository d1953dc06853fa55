/** Attributes (specification, section IV.A.2.m). */
import { decode } from "../hdf5/decode.ts";
import { type Hdf5Type, unreadablePart } from "../hdf5/types.ts";
import { sizeOf } from "../labelled.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { parseDataspace } from "./dataspace.ts";
import { parseDatatype } from "./datatype.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";
import { globalHeapStore } from "./global_heap.ts";
import { committedType } from "./committed_type.ts";
import type { LiveAttribute } from "./types.ts";

const SHARED_TYPE = 1;

/** An attribute; undefined when it has another name than the one that is wanted. */
export function parseAttribute(
  source: FileSource,
  message: Uint8Array,
  wanted?: string,
): LiveAttribute | undefined {
  const { widths } = source.superblock;
  const cursor = new ByteCursor(message, widths);
  const version = cursor.version("attribute", 1, 2, 3);
  const flags = cursor.u8();
  const [nameBytes, typeBytes, spaceBytes] = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version === 3) cursor.skip(1);
  const part = (bytes: number) => {
    const content = cursor.take(bytes);
    // Version 1 pads each part to a multiple of eight.
    if (version === 1) cursor.skip((8 - (bytes % 8)) % 8);
    return new ByteCursor(content, widths);
  };
  const name = part(nameBytes).text(nameBytes);
  if (wanted !== undefined && name !== wanted) return undefined;
  const typePart = part(typeBytes);
  const type = version > 1 && flags & SHARED_TYPE ? committedType(source, typePart) : parseDatatype(typePart);
  const { shape } = parseDataspace(part(spaceBytes));
  return { name, type, shape, values: shape && valuesOf(source, type, shape, cursor) };
}

function valuesOf(source: FileSource, type: Hdf5Type, shape: number[], cursor: ByteCursor) {
  if (unreadablePart(type) !== undefined) return null;
  const count = sizeOf(shape);
  if (count * type.bytes > cursor.left) throw new FormatError("an attribute is longer than its message");
  return decode(globalHeapStore(source), cursor.take(count * type.bytes).slice(), type, count, true);
}
