/** How often a file is rewritten, and since when it rests. */

/** Quantify writes twice a second unless told otherwise. */
const LEAST_REST_MS = 2000;
/** A pause longer than this is none between two updates. */
const MOST_INTERVAL_MS = 60_000;
/** Rewrites that tell the update interval. */
const REMEMBERED = 5;

export class Pace {
  #last: number | undefined;
  readonly #intervals: number[] = [];

  /** The file is another one. @param mtime when it was written, ms; counts when it is earlier */
  changed(now: number, mtime: number): void {
    if (this.#last === undefined) this.#last = Math.min(now, mtime);
    else {
      this.#intervals.push(Math.min(now - this.#last, MOST_INTERVAL_MS));
      if (this.#intervals.length > REMEMBERED) this.#intervals.shift();
      this.#last = now;
    }
  }

  /** Time since the last change, ms. */
  restMs(now: number): number {
    return now - (this.#last ?? now);
  }

  /** Whether nothing has changed for two update intervals, at least two seconds. */
  isAtRest(now: number): boolean {
    return this.restMs(now) >= Math.max(LEAST_REST_MS, 2 * Math.max(0, ...this.#intervals));
  }

  /** Whether the file is not rewritten at this moment. */
  isQuiet(now: number): boolean {
    return this.restMs(now) >= LEAST_REST_MS / 2;
  }
}
