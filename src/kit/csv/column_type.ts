/** Finds the type of a CSV column from all of its fields, by the rules of pandas' read_csv. */

export type ColumnDtype = "i8" | "u8" | "f8" | "text";

/** What pandas takes for a missing number (`na_values` of read_csv), beside the empty field. */
const MISSING = new Set(
  ("#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null")
    .split("|"),
);
const INFINITE = /^\s*[+-]?inf(?:inity)?\s*$/i;
const MAX_INT64 = 2n ** 63n - 1n, MIN_INT64 = -(2n ** 63n), MAX_UINT64 = 2n ** 64n - 1n;

type Kind = "missing" | "integer" | "float" | "text";

/**
 * All integers: i8 (u8 when some are above int64 and none is negative); numbers, some of them missing, fractional or
 * beyond 64 bits: f8; else text.
 */
export class ColumnType {
  #text = false;
  #float = false;
  #integer = false;
  #negative = false;
  #aboveInt64 = false;

  observe(field: string): void {
    if (this.#text) return;
    switch (kindOf(field)) {
      case "integer":
        return this.#observeInteger(field);
      case "text":
        this.#text = true;
        return;
      default:
        this.#float = true;
    }
  }

  get dtype(): ColumnDtype {
    if (this.#text) return "text";
    if (this.#float || !this.#integer) return "f8";
    if (!this.#aboveInt64) return "i8";
    return this.#negative ? "f8" : "u8";
  }

  #observeInteger(field: string): void {
    this.#integer = true;
    if (!this.#negative && field.includes("-")) this.#negative = true;
    if (field.length < 19) return;
    const value = BigInt(field.trim().replace("+", ""));
    if (value > MAX_INT64) this.#aboveInt64 = true;
    if (value > MAX_UINT64 || value < MIN_INT64) this.#float = true;
  }
}

/** The number in a field of an f8 column; NaN when it is missing. */
export function floatOf(field: string): number {
  const value = Number(field);
  if (value !== 0 && !Number.isNaN(value)) return value;
  if (value === 0) return isMissing(field) ? NaN : value;
  return INFINITE.test(field) ? (field.includes("-") ? -Infinity : Infinity) : NaN;
}

function isMissing(field: string): boolean {
  return field.trim() === "" || MISSING.has(field);
}

/** By hand instead of by regular expressions, since it runs for every field of large files. */
function kindOf(field: string): Kind {
  let at = 0, end = field.length;
  while (at < end && isSpace(field.charCodeAt(at))) at++;
  while (end > at && isSpace(field.charCodeAt(end - 1))) end--;
  if (at === end) return "missing";
  if (isSign(field.charCodeAt(at))) at++;
  const whole = skipDigits(field, at, end);
  if (whole === end && whole > at) return "integer";
  const point = field.charCodeAt(whole) === 0x2e ? whole + 1 : whole;
  const fraction = skipDigits(field, point, end);
  const digits = whole - at + (fraction - point);
  if (digits > 0 && fraction === end) return "float";
  if (digits > 0 && (field.charCodeAt(fraction) | 0x20) === 0x65) {
    const exponent = isSign(field.charCodeAt(fraction + 1)) ? fraction + 2 : fraction + 1;
    if (exponent < end && skipDigits(field, exponent, end) === end) return "float";
  }
  if (MISSING.has(field)) return "missing";
  return INFINITE.test(field) ? "float" : "text";
}

function skipDigits(field: string, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const code = field.charCodeAt(at);
    if (code < 0x30 || code > 0x39) break;
  }
  return at;
}

function isSign(code: number): boolean {
  return code === 0x2b || code === 0x2d;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
