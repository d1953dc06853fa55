/** The pages used last, within a limit. */
export class PageCache {
  readonly #pages = new Map<number, Uint8Array>();
  #bytes = 0;

  /** @param limit bytes */
  constructor(readonly limit: number) {}

  get(page: number): Uint8Array | undefined {
    const content = this.#pages.get(page);
    if (content) {
      this.#pages.delete(page);
      this.#pages.set(page, content);
    }
    return content;
  }

  put(page: number, content: Uint8Array): void {
    this.delete(page);
    this.#pages.set(page, content);
    this.#bytes += content.length;
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= this.limit) break;
      this.delete(oldest);
    }
  }

  delete(page: number): void {
    this.#bytes -= this.#pages.get(page)?.length ?? 0;
    this.#pages.delete(page);
  }

  clear(): void {
    this.#pages.clear();
    this.#bytes = 0;
  }
}
