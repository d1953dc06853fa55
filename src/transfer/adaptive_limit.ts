/**
 * How many transfers may run at once: one more after each round in which they stayed as quick, fewer when they got slower
 * or failed (additive increase, multiplicative decrease).
 */
export class AdaptiveLimit {
  #limit: number;
  /** Of the current round. */
  #count = 0;
  #sum = 0;
  /** Mean time of the quickest round lately, ms; undefined before the first. */
  #quickest: number | undefined;
  /** Transfers begun before the last cut say nothing about the limit after it. */
  #cutAt = -Infinity;

  /** Starts at `start`, never exceeds `max`, falls as low as 1. */
  constructor(start: number, private readonly max: number) {
    this.#limit = start;
  }

  get value(): number {
    return Math.floor(this.#limit);
  }

  /** A transfer ended well. @param started,ended on a clock that never jumps, ms @param full all places were taken */
  succeeded(started: number, ended: number, full: boolean): void {
    if (started <= this.#cutAt) return;
    this.#count++;
    this.#sum += ended - started;
    if (this.#count < this.value) return;
    const mean = this.#sum / this.#count;
    [this.#count, this.#sum] = [0, 0];
    // Forgets slowly, so that a link that got slower for good counts as normal after a while.
    this.#quickest = Math.min(mean, (this.#quickest ?? mean) * FORGET);
    if (mean > this.#quickest * TOLERATED + JITTER_MS) this.#cut(0.75, ended);
    else if (full) this.#limit = Math.min(this.max, this.#limit + 1);
  }

  /** A transfer failed for want of a connection, or the platform refused it. */
  failed(started: number, ended: number): void {
    if (started > this.#cutAt) this.#cut(0.5, ended);
  }

  #cut(factor: number, now: number): void {
    this.#limit = Math.max(1, this.#limit * factor);
    this.#cutAt = now;
    [this.#count, this.#sum] = [0, 0];
  }
}

/** A round may take this many times as long as the quickest one lately. */
const TOLERATED = 2;
/** Differences below this are no sign of a jam, ms. */
const JITTER_MS = 20;
/** By how much the quickest round is taken to be slower after each further one. */
const FORGET = 1.002;
