/** Attributes of a dataset are text to text on the platform (S3). */
import { numberText } from "../../kit/number_text.ts";

/**
 * Booleans `True`/`False`, integers decimal, floats in their shortest round-trip form with a two-digit exponent,
 * lists and maps compact JSON; null and empty text are left out.
 */
export function attributesAsText(values: Record<string, unknown>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    const text = asText(value);
    if (key !== "" && text !== "") out[key] = text;
  }
  return out;
}

function asText(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
      return value ? "True" : "False";
    case "bigint":
      return value.toString();
    case "number":
      return numberText(value);
    case "object":
      return value === null
        ? ""
        : JSON.stringify(value, (_k, v: unknown) => typeof v === "bigint" ? v.toString() : v);
    default:
      return "";
  }
}
