import { timeoutError } from "./errors.ts";

/**
 * Runs `work` with a signal that fires when the caller's signal does or when `ms` have passed; the latter is thrown as
 * class-network error. Work that ignores its signal is left behind. `release` ends the time limit early.
 */
export async function withDeadline<T>(
  options: { ms?: number; signal?: AbortSignal; what: string },
  work: (signal: AbortSignal, release: () => void) => Promise<T>,
): Promise<T> {
  const { ms, signal, what } = options;
  signal?.throwIfAborted();
  const late = new AbortController();
  const timer = ms === undefined ? undefined : setTimeout(() => late.abort(timeoutError(what, ms)), ms);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  const stopped = new Promise<never>((_, reject) => {
    either.addEventListener("abort", () => reject(either.reason), { once: true });
  });
  stopped.catch(() => {}); // nobody may be waiting any more
  try {
    return await Promise.race([work(either, () => clearTimeout(timer)), stopped]);
  } catch (e) {
    throw either.aborted ? either.reason : e;
  } finally {
    clearTimeout(timer);
  }
}
