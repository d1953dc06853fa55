/** Stops asking a platform that does not answer, and finds out when it does again (behaviour 2.3, 2.7). */
import type { Env } from "../env.ts";

/** Network failures in a row after which the platform counts as unreachable. */
export const FAILURES_TO_OPEN = 3;
/** Wait before probe no. 1, 2, …, ms; the last one repeats. */
const PROBE_AFTER = [1000, 2000, 5000, 10_000, 30_000, 60_000] as const;
/** Share of the wait that is left to chance, so that many agents do not ask at the same moment. */
const JITTER = 0.2;

export class Breaker {
  #failures = 0;
  /** Steps taken in {@link PROBE_AFTER}; only real success takes them back, so that a platform that answers probes but
   * fails at work is left in peace for longer and longer. */
  #step = 0;
  /** When to probe next, monotonic ms; null while closed. */
  #probeAt: number | null = null;

  constructor(private readonly env: Pick<Env, "monotonic" | "random">) {}

  get open(): boolean {
    return this.#probeAt !== null;
  }

  /** Monotonic ms of the next probe, or null while closed. */
  get probeAt(): number | null {
    return this.#probeAt;
  }

  /** Work reached the platform. */
  success(): void {
    this.#failures = 0;
    this.#step = 0;
    this.#probeAt = null;
  }

  /** Work did not reach the platform. @returns whether this opened the breaker */
  failure(): boolean {
    this.#failures++;
    if (this.open || this.#failures < FAILURES_TO_OPEN) return false;
    this.#planProbe();
    return true;
  }

  /** The result of a probe: a good one closes the breaker. */
  probed(good: boolean): void {
    if (good) {
      this.#probeAt = null;
      // One more failure of real work opens it again.
      this.#failures = FAILURES_TO_OPEN - 1;
    } else this.#planProbe();
  }

  /** Probe at once: the PC woke up, or the user wants it. */
  hurry(): void {
    if (this.open) this.#probeAt = this.env.monotonic();
    this.#step = 0;
  }

  #planProbe(): void {
    const wait = PROBE_AFTER[Math.min(this.#step, PROBE_AFTER.length - 1)] ?? PROBE_AFTER[0];
    this.#step++;
    this.#probeAt = this.env.monotonic() + wait * (1 - JITTER + 2 * JITTER * this.env.random());
  }
}
