/** The grid test of `gridAxes` for points that come one after the other: each is looked at once. */

export class GrowingGrid {
  /** Distinct values of each setpoint, fastest first, in order of appearance. */
  readonly #axes: number[][];
  readonly #distinct: Set<number>[];
  /** Axes before this one have come around once, those behind it have one value. */
  #open = 0;
  /** Points per value of the open axis. */
  #stride = 1;
  #points = 0;
  #isGrid = true;

  /** @param setpoints number of setpoints */
  constructor(setpoints: number) {
    this.#axes = Array.from({ length: setpoints }, () => []);
    this.#distinct = this.#axes.map(() => new Set());
  }

  /** The values of each setpoint; null when the points are no grid. */
  get axes(): Float64Array[] | null {
    const isGrid = this.#isGrid && this.#points > 0;
    return isGrid ? this.#axes.map((axis) => Float64Array.from(axis)) : null;
  }

  get points(): number {
    return this.#points;
  }

  /** Takes the values of all setpoints at the next point. */
  push(values: readonly number[]): void {
    const point = this.#points++;
    if (this.#isGrid) this.#isGrid = point === 0 ? this.#begin(values) : this.#fits(point, values);
  }

  #begin(values: readonly number[]): boolean {
    return this.#axes.every((axis, k) => this.#add(axis, k, values[k] ?? NaN));
  }

  /** -0 and 0 are one value, NaN is none. */
  #add(axis: number[], k: number, value: number): boolean {
    if (Number.isNaN(value) || this.#distinct[k]?.has(value)) return false;
    this.#distinct[k]?.add(value);
    axis.push(value);
    return true;
  }

  #fits(point: number, values: readonly number[]): boolean {
    this.#advance(point, values);
    let stride = 1;
    for (const [k, axis] of this.#axes.entries()) {
      const value = values[k] ?? NaN;
      const index = k > this.#open
        ? 0
        : Math.floor(point / stride) % (k < this.#open ? axis.length : Infinity);
      if (index === axis.length ? !this.#add(axis, k, value) : axis[index] !== value) return false;
      stride *= axis.length;
    }
    return this.#open < this.#axes.length;
  }

  /** An axis whose first value comes again has come around; the next one opens. */
  #advance(point: number, values: readonly number[]): void {
    for (
      let axis = this.#axes[this.#open];
      axis && point % this.#stride === 0;
      axis = this.#axes[this.#open]
    ) {
      if (Math.floor(point / this.#stride) < axis.length || values[this.#open] !== axis[0]) return;
      this.#stride *= axis.length;
      this.#open++;
    }
  }
}
