/** Numbers that are appended to, in memory. */
export class NumberList {
  #values = new Float64Array(64);
  length = 0;

  append(values: Float64Array): void {
    const length = this.length + values.length;
    if (length > this.#values.length) {
      const grown = new Float64Array(Math.max(length, 2 * this.#values.length));
      grown.set(this.#values.subarray(0, this.length));
      this.#values = grown;
    }
    this.#values.set(values, this.length);
    this.length = length;
  }

  /** NaN outside. */
  at(index: number): number {
    return index < this.length ? this.#values[index] ?? NaN : NaN;
  }

  get view(): Float64Array {
    return this.#values.subarray(0, this.length);
  }
}
