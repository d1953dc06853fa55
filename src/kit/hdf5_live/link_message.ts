/** Links of groups of the newer kind (specification, section IV.A.2.g). */
import type { ByteCursor } from "./byte_cursor.ts";

export interface Link {
  name: string;
  /** Of the object's header, for a hard link. */
  address?: number;
  /** Path that a soft link leads to. Neither of both: it leads out of the file, or nowhere. */
  soft?: string;
}

const HARD = 0, SOFT = 1;

export function parseLink(cursor: ByteCursor): Link {
  cursor.version("link", 1);
  const flags = cursor.u8();
  const kind = flags & 0x08 ? cursor.u8() : HARD;
  cursor.skip((flags & 0x04 ? 8 : 0) + (flags & 0x10 ? 1 : 0));
  const name = cursor.text(cursor.uint(1 << (flags & 3)));
  if (kind === SOFT) return { name, soft: cursor.text(cursor.u16()) };
  const address = kind === HARD ? cursor.address() : null;
  return address === null ? { name } : { name, address };
}
