/** One live variable: what was written of it, and how far it reaches. */
import type { LiveChange, LiveValues, LiveVariable } from "../../../src/kit/live.ts";
import { sizeOf } from "../../../src/kit/labelled.ts";
import { boxesOf } from "../../../src/kit/grid/c_order_boxes.ts";
import { type Cell, cellAt, countOf, isSame, sliceOf } from "./live_values.ts";

export type ArrayFacts = Omit<LiveVariable, "shape">;

export class LiveArray {
  /** Extent now. */
  readonly shape: number[];
  /** How far cells were written, per axis. */
  readonly touched: number[];
  /** Values by flat position, where several parameters write the same variable. */
  #known: Cell[] | null = null;

  /** @param grows its first axis does, the others are as long as they will be */
  constructor(readonly facts: ArrayFacts, shape: readonly number[], readonly grows: boolean) {
    this.shape = [...shape];
    this.touched = shape.map(() => 0);
  }

  get variable(): LiveVariable {
    return { ...this.facts, shape: [...this.shape] };
  }

  /** From now on the values are remembered, since another parameter writes them too; before the first write. */
  share(): void {
    this.#known ??= [];
  }

  /**
   * Writes cells that follow each other in C order.
   * @returns what is new; null when another parameter wrote other values there
   */
  write(start: number, values: LiveValues): LiveChange[] | null {
    const count = countOf(values, this.facts.dtype);
    const known = this.#known;
    if (!known) return this.#patches(start, values, 0, count);
    const changes: LiveChange[] = [];
    let from = 0;
    for (let i = 0; i < count; i++) {
      const cell = cellAt(values, this.facts.dtype, i);
      const before = known[start + i];
      if (before === undefined) {
        known[start + i] = cell;
        continue;
      }
      if (!isSame(before, cell)) return null;
      changes.push(...this.#patches(start, values, from, i));
      from = i + 1;
    }
    return [...changes, ...this.#patches(start, values, from, count)];
  }

  #patches(start: number, values: LiveValues, from: number, to: number): LiveChange[] {
    let at = from;
    return boxesOf(start + from, to - from, this.shape).map(({ offset, shape }) => {
      shape.forEach((n, k) => {
        this.touched[k] = Math.max(this.touched[k] ?? 0, (offset[k] ?? 0) + n);
      });
      if (this.grows) this.shape[0] = Math.max(this.shape[0] ?? 0, this.touched[0] ?? 0);
      const size = sizeOf(shape);
      at += size;
      return {
        type: "patch",
        var: this.facts.name,
        offset,
        shape,
        values: sliceOf(values, this.facts.dtype, at - size, size),
      };
    });
  }
}
