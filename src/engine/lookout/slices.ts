/** Long work in slices, so that the event loop always gets its turn. */
import type { Env } from "../../env.ts";

/** Length of a slice, ms. */
const SLICE_MS = 20;

export class Slices {
  #end: number;

  constructor(private readonly env: Env, private readonly signal?: AbortSignal) {
    this.#end = env.monotonic() + SLICE_MS;
  }

  /** Whether it is time to call {@link next}. Throws the signal's reason when it fired. */
  get over(): boolean {
    this.signal?.throwIfAborted();
    return this.env.monotonic() >= this.#end;
  }

  /** Lets others work. */
  async next(): Promise<void> {
    await this.env.sleep(0, this.signal);
    this.#end = this.env.monotonic() + SLICE_MS;
  }
}
