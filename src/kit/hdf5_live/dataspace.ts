/** The dataspace message: extents (file format specification, section IV.A.2.b). */
import type { ByteCursor } from "./byte_cursor.ts";
import { FormatError } from "./format_error.ts";

export interface Dataspace {
  /** [] for a scalar, null for an empty one. */
  shape: number[] | null;
  /** Infinity for an unlimited axis. */
  maxShape: number[];
}

const MOST_AXES = 32;
const NULL_SPACE = 2;

export function parseDataspace(cursor: ByteCursor): Dataspace {
  const version = cursor.version("dataspace", 1, 2);
  const rank = cursor.u8(), flags = cursor.u8();
  if (rank > MOST_AXES) throw new FormatError(`${rank} axes`);
  const kind = version === 2 ? cursor.u8() : (cursor.skip(5), 1);
  if (kind === NULL_SPACE) return { shape: null, maxShape: [] };
  const shape = Array.from({ length: rank }, () => cursor.length());
  const maxShape = flags & 1 ? Array.from({ length: rank }, () => cursor.length()) : [...shape];
  const cells = shape.reduce((a, b) => a * b, 1);
  if (!(cells <= Number.MAX_SAFE_INTEGER) || shape.some((n, i) => n > (maxShape[i] ?? 0))) {
    throw new FormatError(`extent [${shape}] of at most [${maxShape}]`);
  }
  return { shape, maxShape };
}
