/**
 * JSON as Python writes it (rule B5): bare `NaN`, `Infinity` and `-Infinity` become the numbers, integers that a double
 * cannot hold exactly stay text.
 */

/** A text that starts with this stands for a bare number name while the standard parser runs. */
const MARK = "\u0000number:";
const STRING_OR_NAME = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs;

/**
 * Parses tolerant JSON.
 * @throws SyntaxError when it is not even that
 */
export function parseTolerantJson(text: string): unknown {
  const hasNames = /NaN|Infinity/.test(text);
  if (!hasNames && !/\d{16}/.test(text)) return JSON.parse(text);
  const standard = hasNames
    ? text.replace(STRING_OR_NAME, (part) => part.startsWith('"') ? part : JSON.stringify(MARK + part))
    : text;
  return JSON.parse(standard, restore);
}

function restore(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "string" && value.startsWith(MARK)) return Number(value.slice(MARK.length));
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    const source = context?.source;
    if (source && /^-?\d+$/.test(source)) return source;
  }
  return value;
}
