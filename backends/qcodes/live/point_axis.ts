/** An axis that grows with the measurement. */
import { type Cell, isSame } from "./live_values.ts";
import type { LiveArray } from "./live_array.ts";

export interface PointAxis {
  dim: string;
  /** The setpoints that lie on it. */
  setpoints: LiveArray[];
  /** Of an axis that is a setpoint itself: where its values are. */
  places: Places | null;
}

/** Positions of the distinct values of a setpoint, by arrival. */
export class Places {
  readonly #values: Cell[] = [];
  /** Built when the values stop to rise or fall: until then a value beyond the last one is new. */
  #index: Map<Cell, number> | null = null;
  /** 1: they rise, -1: they fall, 0: neither. */
  #direction: 1 | -1 | 0 | null = null;

  get length(): number {
    return this.#values.length;
  }

  get isRising(): boolean {
    return !this.#index && this.#direction !== -1;
  }

  /**
   * Position of a value, which a new one gets.
   * @param guess where it probably is
   */
  of(value: Cell, guess: number): number {
    if (guess < this.#values.length && isSame(this.#values[guess], value)) return guess;
    const known = this.#find(value);
    if (known !== undefined) return known;
    this.#index?.set(value, this.#values.length);
    return this.#values.push(value) - 1;
  }

  #find(value: Cell): number | undefined {
    if (!this.#index) {
      const last = this.#values.at(-1);
      if (last === undefined) return undefined;
      const direction = typeof value === "number" && typeof last === "number"
        ? value > last ? 1 : value < last ? -1 : 0
        : 0;
      this.#direction ??= direction;
      if (direction !== 0 && direction === this.#direction) return undefined;
      this.#index = new Map(this.#values.map((v, i) => [v, i]));
    }
    return this.#index.get(value);
  }
}
