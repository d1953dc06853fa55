/**
 * JSON as Python writes it (rule B5): bare `NaN`, `Infinity` and `-Infinity` become the numbers, integers that a double
 * cannot hold exactly stay text.
 */

/** A text that starts with this stands for a bare number name while the standard parser runs. */
const MARK = "\u0000number:";
const STRING_OR_NAME = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs;

/**
 * Parses tolerant JSON.
 * @param ofNumber what stands for a number that is written so, where its digits matter
 * @throws SyntaxError when it is not even that
 */
export function parseTolerantJson(text: string, ofNumber?: (source: string) => unknown): unknown {
  const hasNames = /NaN|Infinity/.test(text);
  if (!hasNames && !ofNumber && !/\d{16}/.test(text)) return JSON.parse(text);
  const standard = hasNames
    ? text.replace(STRING_OR_NAME, (part) => part.startsWith('"') ? part : JSON.stringify(MARK + part))
    : text;
  return JSON.parse(
    standard,
    (_key, value: unknown, context?: { source?: string }) => restore(value, context?.source, ofNumber),
  );
}

function restore(
  value: unknown,
  source: string | undefined,
  ofNumber?: (source: string) => unknown,
): unknown {
  if (typeof value === "string" && value.startsWith(MARK)) {
    const name = value.slice(MARK.length);
    return ofNumber ? ofNumber(name) : Number(name);
  }
  if (ofNumber && typeof value === "number" && source !== undefined) return ofNumber(source);
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    if (source && /^-?\d+$/.test(source)) return source;
  }
  return value;
}
