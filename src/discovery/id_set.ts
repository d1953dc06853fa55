/** A set of catalog ids that stays small: one bit an id, in pages. */
const WORDS = 1024;

export class IdSet {
  readonly #pages = new Map<number, Uint32Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(id: number): void {
    const key = Math.floor(id / (WORDS * 32));
    let page = this.#pages.get(key);
    if (!page) this.#pages.set(key, page = new Uint32Array(WORDS));
    const [word, bit] = place(id);
    const before = page[word] ?? 0;
    if (before & bit) return;
    page[word] = before | bit;
    this.#size++;
  }

  has(id: number): boolean {
    const page = this.#pages.get(Math.floor(id / (WORDS * 32)));
    const [word, bit] = place(id);
    return page !== undefined && ((page[word] ?? 0) & bit) !== 0;
  }
}

function place(id: number): [word: number, bit: number] {
  const within = id % (WORDS * 32);
  return [within >>> 5, 1 << (within & 31)];
}
