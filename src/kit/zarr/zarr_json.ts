/** JSON as Zarr writers produce it: Python's bare NaN and Infinity, and integers beyond 2^53. */

/** Integers come as bigint, everything else as in JSON; so `1` and `1.0` stay apart as in Python. */
export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

const STRING_OR_BARE = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs;
/** Marks a bare number inside the JSON text; the private-use character keeps it apart from users' strings. */
const MARK = "\ue000number:";

/** Parses a metadata document. @throws SyntaxError, RangeError (nested too deeply) */
export function parseZarrJson(text: string): JsonValue {
  const quoted = text.replace(STRING_OR_BARE, (m) => m.startsWith('"') ? m : `"${MARK}${m}"`);
  return JSON.parse(quoted, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value === "number" && context?.source && /^-?\d+$/.test(context.source)) {
      return BigInt(context.source);
    }
    if (typeof value === "string" && value.startsWith(MARK)) return Number(value.slice(MARK.length));
    return value;
  });
}

/** Writes a value as JSON text again; NaN and infinities, which JSON lacks, become text. */
export function toJsonText(value: JsonValue): string {
  return JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v === "bigint") return Number.isSafeInteger(Number(v)) ? Number(v) : String(v);
    if (typeof v === "number" && !Number.isFinite(v)) return String(v);
    return v;
  });
}

/** The same value with every integer as a plain number, for consumers that only need small ones. */
export function withPlainNumbers(value: JsonValue): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withPlainNumbers);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withPlainNumbers(v)]));
  }
  return value;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
