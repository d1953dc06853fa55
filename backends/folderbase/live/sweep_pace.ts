/**
 * How often what counts as written is searched for changes: where something changed a moment ago at each look, and all
 * of it the more rarely, the longer nothing was found.
 */

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1600;
const HOT_MS = 5000;

export class SweepPace {
  #pause = FIRST_PAUSE_MS;
  #dueAt = -Infinity;
  #foundAt = -Infinity;
  #found = false;

  /** Time for a search of all of it, or for its next part. */
  isDue(now: number): boolean {
    return now >= this.#dueAt;
  }

  /** Something changed a moment ago. */
  isHot(now: number): boolean {
    return now - this.#foundAt < HOT_MS;
  }

  /** A search brought something to light, or did not. */
  found(now: number, anything: boolean): void {
    if (!anything) return;
    this.#found = true;
    this.#foundAt = now;
  }

  /** All of it was searched. */
  over(now: number): void {
    this.#pause = this.#found ? FIRST_PAUSE_MS : Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
    this.#found = false;
    this.#dueAt = now + this.#pause;
  }
}
