/** Types that are an object of their own, to which datasets and attributes refer (specification, IV.A.2: shared). */
import type { Hdf5Type } from "../hdf5/types.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { parseDatatype } from "./datatype.ts";
import type { FileSource } from "./file_source.ts";
import { FormatError } from "./format_error.ts";
import { MESSAGE, readObjectHeader } from "./object_header.ts";

const IN_HEAP = 1;

/** The type that a shared message at the cursor refers to. */
export function committedType(source: FileSource, cursor: ByteCursor): Hdf5Type {
  const version = cursor.version("shared message", 1, 2, 3), kind = cursor.u8();
  if (version === 3 && kind === IN_HEAP) {
    return {
      kind: "unsupported",
      reason: "a type in the table of shared messages",
      bytes: 1,
      bigEndian: false,
    };
  }
  if (version === 1) cursor.skip(6);
  const address = cursor.address();
  const messages = address === null ? [] : readObjectHeader(source, address);
  const message = messages.find((m) => m.type === MESSAGE.datatype);
  if (!message || message.shared) throw new FormatError("a committed type is missing");
  return parseDatatype(new ByteCursor(message.data, source.superblock.widths));
}
