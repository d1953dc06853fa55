/** The entry of one chunk in a fixed or extensible array (specification, sections VII.B and C: the elements). */
import type { ByteCursor } from "./byte_cursor.ts";
import type { ChunkGrid } from "./chunk_grid.ts";

export interface ElementForm {
  /** Bytes of an entry. */
  bytes: number;
  filtered: boolean;
}

const FILTER_MASK_BYTES = 4;

/** What stands for one chunk; undefined when the chunk is not stored. */
export function chunkElement(cursor: ByteCursor, form: ElementForm, grid: ChunkGrid) {
  const address = cursor.address();
  if (address === null) return undefined;
  if (!form.filtered) return { address, size: grid.chunkBytes, filterMask: 0 };
  const size = cursor.uint(form.bytes - cursor.widths.address - FILTER_MASK_BYTES);
  return { address, size, filterMask: cursor.u32() };
}
