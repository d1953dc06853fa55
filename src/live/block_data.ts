/** The values of a block between their two forms: bytes or texts in memory, base64 or a list on the wire. */
import { sizeOf } from "./box.ts";
import type { Block, Variable } from "./live_event.ts";
import { cellBytes, type CellData } from "./variable_cells.ts";

/**
 * Bytes (little-endian words, complex as pairs) or texts of a block.
 * @throws RangeError when they are not what its shape and the variable's type say
 */
export function dataOf(block: Block, dtype: Variable["dtype"]): CellData {
  const { data, encoding } = block;
  const cells = sizeOf(block.shape);
  if (dtype === "text") {
    if (typeof data === "string" || data.length !== cells) throw misfit(block, dtype);
    return data;
  }
  if (typeof data !== "string" || encoding !== encodingOf(dtype)) throw misfit(block, dtype);
  const bytes = decoded(data);
  if (bytes.length !== cells * cellBytes(dtype)) throw misfit(block, dtype);
  return bytes;
}

/** What a block says of its values on the wire. */
export function encoded(dtype: Variable["dtype"], data: CellData): Pick<Block, "encoding" | "data"> {
  return { encoding: encodingOf(dtype), data: data instanceof Uint8Array ? data.toBase64() : [...data] };
}

/** Browsers of the last years have no decoder for bytes yet. */
function decoded(base64: string): Uint8Array<ArrayBuffer> {
  if (typeof Uint8Array.fromBase64 === "function") return Uint8Array.fromBase64(base64);
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function encodingOf(dtype: Variable["dtype"]): Block["encoding"] {
  return dtype === "text" ? "json" : dtype === "i8" ? "i64le" : "f64le";
}

function misfit(block: Block, dtype: Variable["dtype"]): RangeError {
  return new RangeError(
    `a patch of ${block.var} with shape [${block.shape}] and encoding ${block.encoding} does not hold as many ${dtype}`,
  );
}
