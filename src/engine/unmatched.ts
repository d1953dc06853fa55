/** The newest of what below a root belongs to no item (D15). */
import type { FileSystem } from "../env.ts";

/** Paths that are kept of any number. */
const KEPT = 1000;

export class Unmatched {
  count = 0;
  #kept: { path: string; reason: string; mtime: number }[] = [];

  constructor(private readonly root: string, private readonly fs: Pick<FileSystem, "lstatSync">) {}

  add(path: string, reason: string): void {
    this.count++;
    this.#kept.push({ path, reason, mtime: this.#mtime(path) });
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

  #mtime(path: string): number {
    try {
      return this.fs.lstatSync(`${this.root}/${path}`).mtime?.getTime() ?? 0;
    } catch {
      return 0;
    }
  }
}
