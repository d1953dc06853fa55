/** The newest of what below a root belongs to no item (D15). */

/** Paths that are kept of any number. */
const KEPT = 1000;

export class Unmatched {
  count = 0;
  #kept: { path: string; reason: string; mtime: number }[] = [];

  /** @param mtime ms since 1970 */
  add(path: string, reason: string, mtime: number): void {
    this.count++;
    this.#kept.push({ path, reason, mtime });
    if (this.#kept.length >= 2 * KEPT) this.#cut();
  }

  /** The newest, by mtime. */
  get newest(): { path: string; reason: string }[] {
    this.#cut();
    return this.#kept.map(({ path, reason }) => ({ path, reason }));
  }

  #cut(): void {
    if (this.#kept.length <= KEPT) return;
    this.#kept = this.#kept.sort((a, b) => b.mtime - a.mtime).slice(0, KEPT);
  }
}
