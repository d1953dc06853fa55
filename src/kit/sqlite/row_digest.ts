/** A short text that changes whenever one of some cells does. */
import { createHash } from "node:crypto";

/** @param values rows, cells, lists of them */
export function rowDigest(values: unknown): string {
  const text = JSON.stringify(
    values,
    (_key, v) => typeof v === "bigint" ? String(v) : v instanceof Uint8Array ? v.toBase64() : v,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
