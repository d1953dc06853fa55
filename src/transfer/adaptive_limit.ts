/**
 * How many transfers may run at once: more after each round in which they stayed about as quick, at first twice as many,
 * later one more; fewer when they got slower or failed (additive increase, multiplicative decrease).
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

  /**
   * Starts at `start`, never exceeds `max`, falls as low as 1.
   * @param comparable transfers take about as long as each other, so that slower ones are a sign of a jam
   */
  constructor(start: number, private readonly max: number, private readonly comparable: boolean) {
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
    const isJammed = this.comparable && mean > this.#quickest * TOLERATED + HARMLESS_MS;
    if (isJammed) this.#cut(0.75, ended);
    else if (full) {
      this.#limit = Math.min(this.max, this.#cutAt === -Infinity ? this.#limit * 2 : this.#limit + 1);
    }
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
/**
 * How much longer it may take besides, ms: no user notices. Disks that others write to, too, vary that much, and get more
 * done when more is asked of them at once.
 */
const HARMLESS_MS = 500;
/** By how much the quickest round is taken to be slower after each further one. */
const FORGET = 1.002;
