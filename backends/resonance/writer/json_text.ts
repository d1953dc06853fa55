/** JSON as Python's json module writes it: bare NaN and Infinity, integers of any size. */
import { WriterStateError } from "./errors.ts";

/**
 * Bigints become integers, typed arrays lists; members that are undefined are left out.
 * @throws WriterStateError `value_not_json` for functions, symbols and circular values
 */
export function jsonText(value: unknown, path: readonly object[] = []): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.toWellFormed());
    case "number":
    case "bigint":
    case "boolean":
      // Also NaN, Infinity and -Infinity are written as Python names them.
      return Object.is(value, -0) ? "-0.0" : String(value);
    case "undefined":
      return "null";
    case "object":
      return value === null ? "null" : objectText(value, path);
    default:
      throw notJson(typeof value);
  }
}

function objectText(value: object, outer: readonly object[]): string {
  if (outer.includes(value)) throw notJson("an object inside itself");
  const path = [...outer, value];
  if (Array.isArray(value)) return `[${value.map((v) => jsonText(v, path)).join(", ")}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return jsonText([...value as unknown as Iterable<number | bigint>]);
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return jsonText(value.toJSON(), path);
  const members = Object.entries(value).filter(([, v]) => v !== undefined);
  return `{${
    members.map(([k, v]) => `${JSON.stringify(k.toWellFormed())}: ${jsonText(v, path)}`).join(", ")
  }}`;
}

function notJson(what: string): WriterStateError {
  return new WriterStateError("value_not_json", `${what} cannot be written as JSON`, {
    hint: "Give texts, numbers, booleans, null, and lists and maps of them.",
  });
}
