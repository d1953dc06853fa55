/** Attributes of a dataset are text to text on the platform (S3). */

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

/** As Python writes a number: `1e-09`, `1e+16`, `0.02`, `nan`, `inf`; whole numbers without point. */
function numberText(v: number): string {
  if (Number.isNaN(v)) return "nan";
  if (!Number.isFinite(v)) return v > 0 ? "inf" : "-inf";
  if (Number.isSafeInteger(v)) return v.toString();
  const magnitude = Math.abs(v);
  const text = magnitude < 1e-4 || magnitude >= 1e16 ? v.toExponential() : v.toString();
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
