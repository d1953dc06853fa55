/** How many files are sent at once, over all items (U13). */
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { AdaptiveLimit } from "./adaptive_limit.ts";
import { FairQueue } from "./fair_queue.ts";

export interface TransferSlots {
  /**
   * Runs `work` when there is room for a file of this size; sources take turns.
   * @param source who asks, so that one with many or large files does not hold up the others
   * @param size bytes
   * @throws what `work` throws; the signal's reason when it is aborted while waiting
   */
  run<T>(source: number, size: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** Smaller files are small, bytes: what they cost is waiting for replies, so that many of them run at once. */
export const SMALL_FILE = 1024 * 1024;
const SMALL = { start: 4, max: 32, comparable: true };
const LARGE = { start: 4, max: 4, comparable: false };
/** Places beyond the limit, for sources that have none. */
const EXTRA = 4;

/**
 * Four files at once; those below {@link SMALL_FILE} have places of their own, up to 32 while that makes them no slower.
 * A source that has none running need not wait for the others': up to {@link EXTRA} such files go beyond the limit.
 */
export function transferSlots(env: Pick<Env, "monotonic">): TransferSlots {
  const small = new Lane(env, SMALL);
  const large = new Lane(env, LARGE);
  return {
    run: (source, size, work, signal) => (size < SMALL_FILE ? small : large).run(source, work, signal),
  };
}

/** Places for files of one kind. */
class Lane {
  readonly #limit: AdaptiveLimit;
  readonly #waiting = new FairQueue<() => void>();
  /** How many of each source run. */
  readonly #running = new Map<number, number>();
  #total = 0;

  constructor(private readonly env: Pick<Env, "monotonic">, { start, max, comparable }: typeof SMALL) {
    this.#limit = new AdaptiveLimit(start, max, comparable);
  }

  async run<T>(source: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(source, signal);
    const started = this.env.monotonic();
    try {
      const result = await work();
      this.#limit.succeeded(started, this.env.monotonic(), this.#total >= this.#limit.value);
      return result;
    } catch (e) {
      const isPlatforms = e instanceof SyncError && (e.class === "network" || e.class === "platform");
      if (isPlatforms) this.#limit.failed(started, this.env.monotonic());
      throw e;
    } finally {
      this.#leave(source);
    }
  }

  #enter(source: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener("abort", cancel);
        resolve();
      };
      const cancel = () => {
        this.#waiting.remove(source, start);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", cancel, { once: true });
      this.#waiting.add(source, start);
      this.#assign();
    });
  }

  #leave(source: number): void {
    this.#total--;
    const left = (this.#running.get(source) ?? 1) - 1;
    if (left > 0) this.#running.set(source, left);
    else this.#running.delete(source);
    this.#assign();
  }

  #assign(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#total++;
      this.#running.set(next.owner, (this.#running.get(next.owner) ?? 0) + 1);
      next.entry();
    }
  }

  #next(): { owner: number; entry: () => void } | undefined {
    const free = this.#limit.value - this.#total;
    if (free > 0) return this.#waiting.take(() => true);
    if (free > -EXTRA) return this.#waiting.take((source) => !this.#running.has(source));
  }
}
