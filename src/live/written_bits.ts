/** Which cells of a chunk were measured: one bit each. */

export class WrittenBits {
  constructor(readonly words: Uint32Array<ArrayBuffer>) {}

  static of(cells: number): WrittenBits {
    return new WrittenBits(new Uint32Array(Math.ceil(cells / 32)));
  }

  copy(): WrittenBits {
    return new WrittenBits(this.words.slice());
  }

  get empty(): boolean {
    return this.words.every((word) => word === 0);
  }

  set(from: number, to: number): void {
    this.#each(from, to, (word, mask) => this.words[word] = ((this.words[word] ?? 0) | mask) >>> 0);
  }

  clear(from: number, to: number): void {
    this.#each(from, to, (word, mask) => this.words[word] = ((this.words[word] ?? 0) & ~mask) >>> 0);
  }

  /** The first cell from `at` on that is (or is not) measured; the number of cells when there is none. */
  next(at: number, written: boolean): number {
    const { words } = this;
    const cells = words.length * 32;
    while (at < cells) {
      const word = (written ? words[at >>> 5] ?? 0 : ~(words[at >>> 5] ?? 0)) >>> (at & 31);
      if (word === 0) {
        at = (at | 31) + 1;
        continue;
      }
      // Lowest bit that is set.
      return at + 31 - Math.clz32(word & -word);
    }
    return cells;
  }

  #each(from: number, to: number, change: (word: number, mask: number) => void): void {
    while (from < to) {
      const bit = from & 31;
      const count = Math.min(32 - bit, to - from);
      change(from >>> 5, (count === 32 ? 0xffffffff : ((1 << count) - 1) << bit) >>> 0);
      from += count;
    }
  }
}
