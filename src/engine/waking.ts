/** A sleep that can be ended early, also by a wake-up that came before it. */
import type { Env } from "../env.ts";

export class Waking {
  #wake = Promise.withResolvers<void>();

  constructor(private readonly env: Pick<Env, "sleep">) {}

  wake(): void {
    this.#wake.resolve();
  }

  /** Wake-ups so far end no later sleep. */
  forget(): void {
    this.#wake = Promise.withResolvers();
  }

  /** Resolves after `ms` or at a wake-up since the last sleep. Throws the signal's reason when it fires. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await withTimer(this.env, Math.max(0, ms), signal, (timer) => Promise.race([this.#wake.promise, timer]));
    this.forget();
  }
}

/** Gives `work` a timer that does not outlive it and rejects when the signal fires. */
export async function withTimer<T>(
  env: Pick<Env, "sleep">,
  ms: number,
  signal: AbortSignal | undefined,
  work: (timer: Promise<void>) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const end = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", end, { once: true });
  const timer = env.sleep(ms, ended.signal);
  timer.catch(() => {});
  try {
    return await work(timer);
  } finally {
    signal?.removeEventListener("abort", end);
    ended.abort();
  }
}
