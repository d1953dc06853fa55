/** How often all of what counts as written is searched for changes: the more rarely, the longer there were none. */

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

export class SweepPace {
  #pause = FIRST_PAUSE_MS;
  #dueAt = -Infinity;
  #found = false;

  isDue(now: number): boolean {
    return now >= this.#dueAt;
  }

  /** @param over it has come to the end, and begins anew */
  swept(now: number, found: boolean, over: boolean): void {
    this.#found ||= found;
    if (!over) return;
    this.#pause = this.#found ? FIRST_PAUSE_MS : Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
    this.#found = false;
    this.#dueAt = now + this.#pause;
  }
}
