/** A breaker for each server that the agent talks to: the platform, and the stores that its links lead to. */
import type { Env } from "../env.ts";
import { Breaker } from "./breaker.ts";

/** Stands for the platform itself. */
export const PLATFORM = "";

export class Breakers {
  readonly #breakers = new Map<string, Breaker>();

  constructor(private readonly env: Pick<Env, "monotonic" | "random">) {}

  /** One of them does not answer. */
  get open(): boolean {
    return this.#open().length > 0;
  }

  /** Monotonic ms of the next probe, or null while all are closed. */
  get probeAt(): number | null {
    const times = this.#open().map(([, breaker]) => breaker.probeAt ?? Infinity);
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** Work reached the platform; and the stores, if bytes were sent. */
  success(sent: boolean): void {
    for (const [endpoint, breaker] of this.#breakers) {
      if (sent || endpoint === PLATFORM) breaker.success();
    }
  }

  /** Work did not reach a server. @returns whether this opened its breaker */
  failure(endpoint = PLATFORM): boolean {
    let breaker = this.#breakers.get(endpoint);
    if (!breaker) this.#breakers.set(endpoint, breaker = new Breaker(this.env));
    return breaker.failure();
  }

  /** Servers to be probed now; each is taken to fail until {@link answered}. */
  due(): string[] {
    const now = this.env.monotonic();
    const due = this.#open().filter(([, breaker]) => (breaker.probeAt ?? Infinity) <= now);
    for (const [, breaker] of due) breaker.probed(false);
    return due.map(([endpoint]) => endpoint);
  }

  /** A probe had an answer. */
  answered(endpoint: string): void {
    this.#breakers.get(endpoint)?.probed(true);
  }

  /** Probe at once: the PC woke up, or the user wants it. */
  hurry(): void {
    for (const breaker of this.#breakers.values()) breaker.hurry();
  }

  #open(): [string, Breaker][] {
    return [...this.#breakers].filter(([, breaker]) => breaker.open);
  }
}
