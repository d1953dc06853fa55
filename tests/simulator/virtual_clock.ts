/** Time of a simulation: it moves only from sleeper to sleeper, so that days pass in milliseconds and in the same order each time. */
import { setImmediate } from "node:timers";

interface Sleeper {
  /** Elapsed ms at which it wakes. */
  at: number;
  wake(): void;
}

export class VirtualClock {
  #elapsed = 0;
  #offset: number;
  /** By time, then by the order in which they lay down. */
  readonly #sleepers: Sleeper[] = [];

  /** @param start wall clock at the beginning, ms since 1970 */
  constructor(start: number) {
    this.#offset = start;
  }

  /** Wall clock, whole ms since 1970. */
  now(): number {
    return Math.floor(this.#offset + this.#elapsed);
  }

  /** Elapsed time, ms; never jumps. */
  monotonic(): number {
    return this.#elapsed;
  }

  /** Sets the wall clock forward or back. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** As `Env.sleep`. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const cancel = () => {
        this.#forget(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#elapsed + Math.max(0, ms),
        wake() {
          signal?.removeEventListener("abort", cancel);
          resolve();
        },
      };
      signal?.addEventListener("abort", cancel, { once: true });
      this.#add(sleeper);
    });
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Moves to the first sleeper, wakes it and lets everything happen that follows from that. @returns false: nobody sleeps */
  async step(): Promise<boolean> {
    const first = this.#sleepers.shift();
    if (!first) return false;
    this.#elapsed = Math.max(this.#elapsed, first.at);
    first.wake();
    await this.settle();
    return true;
  }

  /**
   * Steps until the condition holds.
   * @returns false when nobody sleeps any more, or `limit` ms have passed, before it holds
   */
  async until(condition: () => boolean, limit = Infinity): Promise<boolean> {
    const end = this.#elapsed + limit;
    await this.settle();
    while (!condition()) {
      if (this.#elapsed >= end || !await this.step()) return false;
    }
    return true;
  }

  /** Lets this much time pass, ms. */
  async pass(ms: number): Promise<void> {
    let over = false;
    const timer = this.sleep(ms).then(() => over = true);
    await this.until(() => over);
    await timer;
  }

  #add(sleeper: Sleeper): void {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sleepers[middle]?.at ?? Infinity) <= sleeper.at) low = middle + 1;
      else high = middle;
    }
    this.#sleepers.splice(low, 0, sleeper);
  }

  #forget(sleeper: Sleeper): void {
    const at = this.#sleepers.indexOf(sleeper);
    if (at >= 0) this.#sleepers.splice(at, 1);
  }
}
