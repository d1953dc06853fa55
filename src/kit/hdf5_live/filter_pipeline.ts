/** The filter pipeline message (specification, section IV.A.2.l). */
import type { ByteCursor } from "./byte_cursor.ts";

export interface Filter {
  id: number;
  parameters: number[];
}

export function parseFilters(cursor: ByteCursor): Filter[] {
  const version = cursor.version("filter pipeline", 1, 2);
  const count = cursor.u8();
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, (): Filter => {
    const id = cursor.u16();
    // Well-known filters have no name in version 2.
    const nameBytes = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const parameters = cursor.u16();
    cursor.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    const values = Array.from({ length: parameters }, () => cursor.u32());
    if (version === 1 && parameters % 2 === 1) cursor.skip(4);
    return { id, parameters: values };
  });
}
