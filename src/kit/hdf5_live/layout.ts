/** The data layout message: where the values of a dataset lie (specification, section IV.A.2.i). */
import type { ByteCursor } from "./byte_cursor.ts";
import { FormatError } from "./format_error.ts";

export type ChunkIndexing =
  | { kind: "btree_v1"; address: number | null }
  | { kind: "single"; address: number | null; size: number | null; filterMask: number }
  | { kind: "implicit" | "fixed_array" | "extensible_array" | "btree_v2"; address: number | null };

export type Layout =
  | { kind: "compact"; bytes: Uint8Array }
  | { kind: "contiguous"; address: number | null; size: number | null }
  | { kind: "chunked"; chunkShape: number[]; index: ChunkIndexing; wholeEdges: boolean }
  | { kind: "other"; what: string };

const COMPACT = 0, CONTIGUOUS = 1, CHUNKED = 2, VIRTUAL = 3;
/** Chunks at the edge are stored without filters. */
const EDGES_UNFILTERED = 0x01;
const SINGLE_FILTERED = 0x02;

export function parseLayout(cursor: ByteCursor): Layout {
  const version = cursor.version("data layout", 1, 2, 3, 4, 5);
  if (version < 3) return parseOld(cursor);
  const kind = cursor.u8();
  switch (kind) {
    case COMPACT:
      return { kind: "compact", bytes: cursor.take(cursor.u16()) };
    case CONTIGUOUS:
      return { kind: "contiguous", address: cursor.address(), size: cursor.length() };
    case CHUNKED:
      return version === 3 ? parseChunked3(cursor) : parseChunked4(cursor);
    case VIRTUAL:
      return { kind: "other", what: "virtual" };
    default:
      throw new FormatError(`data layout of unknown class ${kind}`);
  }
}

function parseOld(cursor: ByteCursor): Layout {
  const rank = cursor.u8(), kind = cursor.u8();
  cursor.skip(5);
  const address = kind === COMPACT ? null : cursor.address();
  const dims = Array.from({ length: rank }, () => cursor.u32());
  if (kind === CONTIGUOUS) return { kind: "contiguous", address, size: null };
  if (kind === COMPACT) return { kind: "compact", bytes: cursor.take(cursor.u32()) };
  if (kind !== CHUNKED) throw new FormatError(`data layout of unknown class ${kind}`);
  return chunked(dims, { kind: "btree_v1", address }, false);
}

function parseChunked3(cursor: ByteCursor): Layout {
  const rank = cursor.u8(), address = cursor.address();
  return chunked(Array.from({ length: rank }, () => cursor.u32()), { kind: "btree_v1", address }, false);
}

function parseChunked4(cursor: ByteCursor): Layout {
  const flags = cursor.u8(), rank = cursor.u8(), width = cursor.u8();
  if (width < 1 || width > 8) throw new FormatError(`chunk sizes of ${width} bytes`);
  const dims = Array.from({ length: rank }, () => cursor.uint(width));
  const wholeEdges = (flags & EDGES_UNFILTERED) !== 0;
  const indexType = cursor.u8();
  switch (indexType) {
    case 1: {
      const filtered = (flags & SINGLE_FILTERED) !== 0;
      const size = filtered ? cursor.length() : null, filterMask = filtered ? cursor.u32() : 0;
      return chunked(dims, { kind: "single", size, filterMask, address: cursor.address() }, wholeEdges);
    }
    case 2:
      return chunked(dims, { kind: "implicit", address: cursor.address() }, wholeEdges);
    case 3:
      return chunked(dims, { kind: "fixed_array", address: cursor.skip(1).address() }, wholeEdges);
    case 4:
      return chunked(dims, { kind: "extensible_array", address: cursor.skip(5).address() }, wholeEdges);
    case 5:
      return chunked(dims, { kind: "btree_v2", address: cursor.skip(6).address() }, wholeEdges);
    default:
      throw new FormatError(`chunk index of unknown type ${indexType}`);
  }
}

/** The last of the stored sizes is that of an element. */
function chunked(dims: number[], index: ChunkIndexing, wholeEdges: boolean): Layout {
  const chunkShape = dims.slice(0, -1);
  if (dims.length < 2 || dims.some((n) => n === 0)) throw new FormatError(`chunks of [${chunkShape}]`);
  return { kind: "chunked", chunkShape, index, wholeEdges };
}
