/** Values as the text that Python prints for them: the form in which the content md5 (F11) takes attributes and strings. */

/** `repr` of a float: shortest round-trip, exponent form below 1e-4 and from 1e16. */
export function pythonFloat(value: number, digits = shortest(value)): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", power = "0"] = digits.split("e");
  const exponent = Number(power);
  const sign = mantissa.startsWith("-") ? "-" : "";
  const figures = mantissa.replace(/[-.]/g, "");
  if (exponent < -4 || exponent >= 16) {
    const fraction = figures.length > 1 ? `.${figures.slice(1)}` : "";
    return `${sign}${figures.charAt(0)}${fraction}e${exponent < 0 ? "-" : "+"}${
      String(Math.abs(exponent)).padStart(2, "0")
    }`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${figures}`;
  const whole = figures.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${figures.slice(exponent + 1) || "0"}`;
}

/** `str` of a 32-bit float: the fewest digits that give back the same 32-bit value. */
export function pythonFloat32(value: number): string {
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return pythonFloat(value, text);
  }
  return pythonFloat(value);
}

function shortest(value: number): string {
  return value.toExponential();
}

/** `repr` of a string: single quotes, or double ones when it holds single and no double quotes. */
export function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let body = "";
  for (const character of text) body += escape(character, quote);
  return quote + body + quote;
}

const SHORT: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escape(character: string, quote: string): string {
  if (character === quote) return `\\${quote}`;
  const short = SHORT[character];
  if (short) return short;
  if (character === " " || !/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/**
 * Prints nested lists piece by piece: each call of `next` gives the text before, between and behind the elements.
 * A shape of `[2, 2]` around a, b, c, d prints `[[a, b], [c, d]]`.
 */
export class NestedList {
  #index = 0;
  readonly #blocks: number[];

  constructor(private readonly shape: readonly number[]) {
    this.#blocks = shape.map((_, axis) => shape.slice(axis).reduce((a, b) => a * b, 1));
  }

  /** The next element with the brackets and commas before it. */
  next(element: string): string {
    const opened = this.#blocks.filter((block) => this.#index % block === 0).length;
    const closed = this.#index === 0 ? "" : "]".repeat(Math.max(0, opened));
    const separator = this.#index === 0 ? "" : `${closed}, `;
    this.#index++;
    return separator + "[".repeat(opened) + element;
  }

  /** What stands behind the last element; the whole list when it has none. */
  end(): string {
    return this.#index > 0 ? "]".repeat(this.shape.length) : emptyList(this.shape);
  }
}

function emptyList(shape: readonly number[]): string {
  const [length = 0, ...inner] = shape;
  if (length === 0 || inner.length === 0) return "[]";
  return `[${Array.from({ length }, () => emptyList(inner)).join(", ")}]`;
}
