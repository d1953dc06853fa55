/** Notices an upload that no longer moves, or moves too slowly to be worth waiting for (U8). */

export interface StallLimits {
  /** Longest time without any progress, ms. */
  stallMs: number;
  /** Fewest bytes per second … */
  floorBytesPerS: number;
  /** … over any window of this length, ms. */
  floorWindowMs: number;
}

/** Counts progress; `check` says when to give up. Pure: the times are given by the caller, ms of a monotonic clock. */
export class StallWatch {
  #last: number;
  /** Totals at moments, oldest first; the oldest one is the total at the start of the window. */
  readonly #samples: { at: number; total: number }[];
  #total = 0;

  constructor(readonly limits: StallLimits, now: number) {
    this.#last = now;
    this.#samples = [{ at: now, total: 0 }];
  }

  progress(bytes: number, now: number): void {
    if (bytes <= 0) return;
    this.#total += bytes;
    this.#last = now;
    const newest = this.#samples.at(-1);
    if (!newest || now - newest.at >= this.limits.floorWindowMs / 60) {
      this.#samples.push({ at: now, total: this.#total });
    }
  }

  /** True when nothing moved for `stallMs`, or less than the floor in the last whole window. */
  stalled(now: number): boolean {
    const { stallMs, floorBytesPerS, floorWindowMs } = this.limits;
    if (now - this.#last >= stallMs) return true;
    const windowStart = now - floorWindowMs;
    while ((this.#samples[1]?.at ?? Infinity) <= windowStart) this.#samples.shift();
    const before = this.#samples[0];
    if (!before || before.at > windowStart) return false;
    return this.#total - before.total < floorBytesPerS * floorWindowMs / 1000;
  }
}
