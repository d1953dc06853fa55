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
  /** Start times of windows with the total at that moment, oldest first. */
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
    const windowStart = now - this.limits.floorWindowMs;
    while ((this.#samples[1]?.at ?? Infinity) <= windowStart) this.#samples.shift();
  }

  /** True when nothing moved for `stallMs`, or less than the floor in a whole window. */
  stalled(now: number): boolean {
    if (now - this.#last >= this.limits.stallMs) return true;
    const { floorBytesPerS, floorWindowMs } = this.limits;
    const oldest = this.#samples[0];
    if (!oldest || now - oldest.at < floorWindowMs) return false;
    return (this.#total - oldest.total) / (now - oldest.at) * 1000 < floorBytesPerS;
  }
}
