/** Bytes per second that all transfers together may use (U12). */
import type { Env } from "../env.ts";
import type { FileBody } from "../platform/transport.ts";

/** Live traffic is what is measured now; it keeps its share under any load. */
export type Traffic = "bulk" | "live";

export interface Bandwidth {
  /** Resolves when `bytes` may be sent. @throws the signal's reason when aborted */
  take(bytes: number, signal?: AbortSignal, traffic?: Traffic): Promise<void>;
  /** Bytes per second now; 0: unlimited. */
  readonly limit: number;
}

/** What may be sent at once after a pause, ms worth of the limit. */
const BURST_MS = 250;
/** A limit that was changed or whose hours begin takes effect within this time, ms. */
const LOOK_MS = 500;
/** Share of the limit that bulk leaves to live traffic while there is some. */
const LIVE_SHARE = 0.2;
/** Live traffic counts as going on this long after its last byte, ms. */
const LIVE_MS = 2000;
/** Larger pieces would make a slow transfer look stalled, bytes. */
const PIECE = 64 * 1024;

/** Bytes taken ahead of time by one kind of traffic; time pays them back. */
interface Account {
  debt: number;
  at: number;
  /** Takers come one after the other. */
  queue: Promise<void>;
}

/**
 * A limit on Env time.
 * @param limitNow bytes per second at this moment, 0: unlimited; asked again and again
 */
export function bandwidthLimit(env: Pick<Env, "monotonic" | "sleep">, limitNow: () => number): Bandwidth {
  const account = (): Account => ({ debt: 0, at: env.monotonic(), queue: Promise.resolve() });
  const accounts: Record<Traffic, Account> = { bulk: account(), live: account() };
  let liveAt = -Infinity;

  const rateOf = (traffic: Traffic): number => {
    const limit = limitNow();
    const shared = traffic === "bulk" && env.monotonic() - liveAt < LIVE_MS;
    return shared ? limit * (1 - LIVE_SHARE) : limit;
  };

  async function pay(traffic: Traffic, bytes: number, signal?: AbortSignal): Promise<void> {
    const own = accounts[traffic];
    for (;;) {
      signal?.throwIfAborted();
      const rate = rateOf(traffic);
      const now = env.monotonic();
      if (rate === 0) {
        [own.debt, own.at] = [0, now];
        return;
      }
      own.debt = Math.max(-rate * BURST_MS / 1000, own.debt - (now - own.at) * rate / 1000);
      own.at = now;
      if (own.debt <= 0) break;
      await env.sleep(Math.max(1, Math.min(own.debt / rate * 1000, LOOK_MS)), signal);
    }
    own.debt += bytes;
    if (traffic === "live") {
      liveAt = env.monotonic();
      // What live traffic uses is not there for bulk.
      accounts.bulk.debt += bytes * (1 - LIVE_SHARE);
    }
  }

  return {
    get limit() {
      return limitNow();
    },
    take(bytes, signal, traffic = "bulk") {
      if (limitNow() === 0) return Promise.resolve();
      const own = accounts[traffic];
      const turn = own.queue.then(() => pay(traffic, bytes, signal));
      own.queue = turn.catch(() => {});
      return turn;
    },
  };
}

/** A body that is sent no faster than the bandwidth allows. */
export function limitedBody(body: FileBody, bandwidth: Bandwidth, signal?: AbortSignal): FileBody {
  let held = 0;
  let since: number | undefined;
  return {
    size: body.size,
    heldBackMs: () => held + (since === undefined ? 0 : performance.now() - since),
    async *chunks() {
      for await (const chunk of body.chunks()) {
        if (bandwidth.limit === 0) {
          yield chunk;
          continue;
        }
        for (let at = 0; at < chunk.length; at += PIECE) {
          const piece = chunk.subarray(at, at + PIECE);
          since = performance.now();
          await bandwidth.take(piece.length, signal);
          held += performance.now() - since;
          since = undefined;
          yield piece;
        }
      }
    },
  };
}
