/** Numbers as text (S3). */

/** As Python writes a number: `1e-09`, `1e+16`, `0.02`, `nan`, `inf`; whole numbers without point. */
export function numberText(v: number): string {
  if (Number.isNaN(v)) return "nan";
  if (!Number.isFinite(v)) return v > 0 ? "inf" : "-inf";
  if (Number.isSafeInteger(v)) return v.toString();
  const magnitude = Math.abs(v);
  const text = magnitude < 1e-4 || magnitude >= 1e16 ? v.toExponential() : v.toString();
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
