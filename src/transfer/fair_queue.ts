/** A queue in which owners take turns: each `take` gives the oldest entry of the owner that waits longest for a turn. */
export class FairQueue<T> {
  /** Owners with entries, next one first. */
  readonly #owners = new Map<number, T[]>();

  add(owner: number, entry: T): void {
    const entries = this.#owners.get(owner);
    if (entries) entries.push(entry);
    else this.#owners.set(owner, [entry]);
  }

  /** Removes and returns the next entry of the first owner in turn that may have it. */
  take(may: (owner: number) => boolean): { owner: number; entry: T } | undefined {
    for (const [owner, entries] of this.#owners) {
      if (!may(owner)) continue;
      const entry = entries.shift();
      // It goes to the end of the line.
      this.#owners.delete(owner);
      if (entries.length > 0) this.#owners.set(owner, entries);
      if (entry !== undefined) return { owner, entry };
    }
  }

  remove(owner: number, entry: T): void {
    const entries = this.#owners.get(owner)?.filter((e) => e !== entry) ?? [];
    if (entries.length > 0) this.#owners.set(owner, entries);
    else this.#owners.delete(owner);
  }
}
