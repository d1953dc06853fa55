/** The values of one field over the events of a stream, and which kind of variable they make. */
import type { LabelledArray } from "../../src/kit/labelled.ts";

const MISSING = 0, NUMBER = 1, BOOLEAN = 2, OTHER = 3;

/** What a variable takes from its field. */
export type ColumnValues = Pick<LabelledArray, "dtype" | "data" | "dims" | "shape">;

/** Grows by one value per event; numbers take nine bytes each, whatever else is kept as it is. */
export class EventColumn {
  #numbers = new Float64Array(16);
  #kinds = new Uint8Array(16);
  readonly #others = new Map<number, unknown>();
  #length = 0;

  /** Sets the value of an event; those not set are missing. Null and undefined count as missing. */
  set(event: number, value: unknown): void {
    if (value === null || value === undefined) return;
    this.#reserve(event + 1);
    this.#length = event + 1;
    if (typeof value === "number") {
      this.#numbers[event] = value;
      this.#kinds[event] = NUMBER;
    } else if (typeof value === "boolean") {
      this.#numbers[event] = value ? 1 : 0;
      this.#kinds[event] = BOOLEAN;
    } else {
      this.#others.set(event, value);
      this.#kinds[event] = OTHER;
    }
  }

  #reserve(length: number): void {
    if (length <= this.#kinds.length) return;
    const room = Math.max(length, 2 * this.#kinds.length);
    const numbers = new Float64Array(room), kinds = new Uint8Array(room);
    numbers.set(this.#numbers);
    kinds.set(this.#kinds);
    [this.#numbers, this.#kinds] = [numbers, kinds];
  }

  /**
   * The variable over `events` events. Numbers, also together with booleans, become f8 with NaN for missing ones;
   * booleans alone become bool when none is missing; lists of numbers get an axis of their own, short ones filled with
   * NaN; all other mixtures become text, JSON where a value is no text, and "" where it is missing.
   * @param described the `dtype` that the stream announced, for fields without values and for large integers
   * @param axis name of the axis of lists
   */
  values(events: number, described: unknown, axis: string): ColumnValues {
    this.#reserve(events);
    const kinds = this.#kinds.subarray(0, events);
    const announced = typeof described === "string" ? described.toLowerCase() : "";
    if (isNumber(announced)) this.#numbersFromDigits();
    const found = new Set(kinds);
    const shared = { dims: ["event"], shape: [events] };
    if (found.has(OTHER)) {
      return this.#listValues(kinds, axis) ?? { ...shared, dtype: "text", data: this.#texts(kinds) };
    }
    const isText = /^(str|string|text)$/.test(announced);
    if (isText && !found.has(NUMBER) && !found.has(BOOLEAN)) {
      return { ...shared, dtype: "text", data: this.#texts(kinds) };
    }
    const isBoolean = found.has(BOOLEAN) || events === 0 && /^bool(ean)?$/.test(announced);
    if (isBoolean && !found.has(NUMBER) && !found.has(MISSING)) {
      return { ...shared, dtype: "bool", data: Uint8Array.from(this.#numbers.subarray(0, events)) };
    }
    const numbers = this.#numbers.slice(0, events);
    for (let i = 0; i < events; i++) if (kinds[i] === MISSING) numbers[i] = NaN;
    return { ...shared, dtype: "f8", data: numbers };
  }

  /** Integers beyond 2^53 arrive as text (B5); a field that was announced as a number stays one. */
  #numbersFromDigits(): void {
    for (const [event, value] of this.#others) {
      if (typeof value !== "string" || !/^-?\d+$/.test(value)) continue;
      this.#others.delete(event);
      this.#numbers[event] = Number(value);
      this.#kinds[event] = NUMBER;
    }
  }

  /** undefined when there is anything besides lists of numbers. */
  #listValues(kinds: Uint8Array, axis: string): ColumnValues | undefined {
    if (kinds.some((kind) => kind === NUMBER || kind === BOOLEAN)) return undefined;
    let [longest, total] = [0, 0];
    for (const value of this.#others.values()) {
      if (!isNumberList(value)) return undefined;
      longest = Math.max(longest, value.length);
      total += value.length;
    }
    // A few long lists among many short ones are not worth a table.
    if (longest * kinds.length > 16 * total + 65536) return undefined;
    const data = new Float64Array(kinds.length * longest).fill(NaN);
    for (const [event, value] of this.#others) {
      if (isNumberList(value)) data.set(value.map((n) => n ?? NaN), event * longest);
    }
    return { dims: ["event", axis], shape: [kinds.length, longest], dtype: "f8", data };
  }

  #texts(kinds: Uint8Array): string[] {
    return Array.from(kinds, (kind, event) => {
      if (kind === NUMBER) return String(this.#numbers[event]);
      if (kind === BOOLEAN) return this.#numbers[event] === 1 ? "true" : "false";
      const value = this.#others.get(event);
      return value === undefined ? "" : typeof value === "string" ? value : plainJson(value);
    });
  }

  /** Whether an event has a value. */
  has(event: number): boolean {
    return (this.#kinds[event] ?? MISSING) !== MISSING;
  }

  /** How many values the list of an event has; 0 when it has none. */
  lengthOf(event: number): number {
    const value = this.#others.get(event);
    return Array.isArray(value) ? value.length : 0;
  }

  /** Whether any event had a value. */
  get isWritten(): boolean {
    return this.#length > 0;
  }
}

/** Strict JSON: NaN and the infinities, which it lacks, become text. */
export function plainJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, v: unknown) => typeof v === "number" && !Number.isFinite(v) ? String(v) : v,
    indent,
  );
}

function isNumber(announced: string): boolean {
  return /^(number|integer|int\d*|uint\d*|float\d*)$/.test(announced);
}

function isNumberList(value: unknown): value is (number | null)[] {
  return Array.isArray(value) && value.every((n) => typeof n === "number" || n === null);
}
