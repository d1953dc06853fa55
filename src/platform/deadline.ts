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
  // Not AbortSignal.any: what depends on a signal that lives as long as the agent would be kept as long.
  const either = new AbortController();
  const abort = () => either.abort(signal?.reason);
  const timer = ms === undefined ? undefined : setTimeout(() => either.abort(timeoutError(what, ms)), ms);
  const stopped = Promise.withResolvers<never>();
  either.signal.addEventListener("abort", () => stopped.reject(either.signal.reason), { once: true });
  stopped.promise.catch(() => {}); // nobody may be waiting any more
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work(either.signal, () => clearTimeout(timer)), stopped.promise]);
  } catch (e) {
    throw either.signal.aborted ? either.signal.reason : e;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
