/**
 * JSON lines between the agent and its reader processes. Anything may print on a reader's stdout (a library's
 * diagnostics, a user's debugging), so that a line of the protocol begins with a marker; all others are noise.
 */
import { SyncError } from "../kit/errors.ts";

/** A record separator and a name; it is preceded by a newline, because noise may end in the middle of a line. */
export const MARKER = "\x1eetiket ";

/** The only key of an object that stands for a number which JSON can't hold. No key of real data has a NUL. */
const NUMBER_KEY = "\0number";

/**
 * JSON text of a value on one line. Integers beyond 2^53 (bigint), NaN and infinities survive; typed arrays become
 * lists; members that are undefined are left out.
 * @throws SyncError `reader_protocol` for a value that has no JSON form, naming the key that holds it
 */
export function encode(value: unknown): string {
  return JSON.stringify(value, (key, v: unknown) => {
    switch (typeof v) {
      case "bigint":
        return { [NUMBER_KEY]: String(v) + "n" };
      case "number":
        return Number.isFinite(v) ? v : { [NUMBER_KEY]: String(v) };
      case "function":
      case "symbol":
        throw notJson(key, typeof v);
      case "object":
        if (ArrayBuffer.isView(v) && !(v instanceof DataView)) return Array.from(v as Uint8Array);
        if (v instanceof Map || v instanceof Set) throw notJson(key, v.constructor.name);
    }
    return v;
  }) ?? "null";
}

/** The value that {@link encode} was given. @throws SyntaxError */
export function decode(text: string): unknown {
  return JSON.parse(text, (_key, v: unknown) => {
    if (typeof v !== "object" || v === null || !Object.hasOwn(v, NUMBER_KEY)) return v;
    const digits = (v as Record<string, unknown>)[NUMBER_KEY];
    if (typeof digits !== "string" || Object.keys(v).length !== 1) return v;
    if (/^-?\d+n$/.test(digits)) return BigInt(digits.slice(0, -1));
    return /^(NaN|-?Infinity)$/.test(digits) ? Number(digits) : v;
  });
}

function notJson(key: string, type: string): SyncError {
  return new SyncError(
    "reader",
    "reader_protocol",
    `"${key}" holds a ${type}, which can't be handed over as JSON`,
    {
      hint: "The backend or converter must return plain data: texts, numbers, lists and maps.",
    },
  );
}

/** Cuts a stream of bytes into lines. */
export class LineSplitter {
  #parts: Uint8Array[] = [];
  #pending = 0;

  /** Length of the line that has not ended yet, bytes. */
  get pending(): number {
    return this.#pending;
  }

  /** Takes the next bytes; yields each line that ends in them, without its newline. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield this.#take(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start === chunk.length) return;
    this.#parts.push(chunk.subarray(start));
    this.#pending += chunk.length - start;
  }

  #take(last: Uint8Array): Uint8Array {
    if (this.#parts.length === 0) return last;
    const line = new Uint8Array(this.#pending + last.length);
    let at = 0;
    for (const part of [...this.#parts, last]) {
      line.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#pending = 0;
    return line;
  }
}
