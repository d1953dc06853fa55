/** What stands in cells that were never written (specification, sections IV.A.2.e and f). */
import { ByteCursor } from "./byte_cursor.ts";
import { type HeaderMessage, MESSAGE } from "./object_header.ts";
import type { FieldWidths } from "./byte_cursor.ts";

const UNDEFINED = 0x10, DEFINED = 0x20;

/** Bytes of one element; null when none is set: then it is zeros. */
export function fillBytes(messages: HeaderMessage[], widths: FieldWidths): Uint8Array | null {
  const message = messages.find((m) => m.type === MESSAGE.fill);
  if (!message) {
    const old = messages.find((m) => m.type === MESSAGE.oldFill);
    return old ? sized(new ByteCursor(old.data, widths)) : null;
  }
  const cursor = new ByteCursor(message.data, widths);
  const version = cursor.version("fill value", 1, 2, 3);
  if (version === 3) {
    const flags = cursor.u8();
    return flags & DEFINED && !(flags & UNDEFINED) ? sized(cursor) : null;
  }
  const defined = cursor.skip(2).u8();
  return version === 1 || defined ? sized(cursor) : null;
}

function sized(cursor: ByteCursor): Uint8Array | null {
  // A negative size means "undefined".
  const size = cursor.u32() | 0;
  return size > 0 ? cursor.take(size).slice() : null;
}
