/** Follows running measurements of an agent or a hub; works in Deno, Node.js and browsers. */
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { LiveEvent, LiveSessionView } from "../live/live_event.ts";
import { eventData } from "./event_stream.ts";
import { Patience } from "./patience.ts";
import { accepted, asFailure, type Get, getByFetch, type Reply, textOf } from "./reply.ts";

export type { LiveEvent, LiveSessionView };

export interface LiveClientOptions {
  /** Base address: `http://localhost:10410/api/v1` of an agent, `https://hub.lab/api/v3` of a hub. */
  url: string;
  /** Where the other side asks for one. */
  token?: string;
  /** How requests are sent; default `fetch`. */
  get?: Get;
  /** Longest silence before it is asked anew, ms; something comes every 5 s. */
  silenceMs?: number;
  /** Longest pause before it is asked anew, ms. */
  pauseMs?: number;
  /** How long a session that was followed may be unknown: a hub that was restarted is told of it anew, ms. */
  missingMs?: number;
}

/** Where a reader has been. */
export interface LivePosition {
  epoch: string;
  seq: number;
}

export interface FollowOptions {
  /** Where to go on; without it a snapshot comes first. */
  from?: LivePosition;
  /** Ends it. */
  signal?: AbortSignal;
}

const FIRST_PAUSE_MS = 100;

/** All methods throw a SyncError: what was answered, or `agent_unreachable` (class network) when nothing is. */
export class LiveClient {
  readonly #get: Get;

  constructor(private readonly options: LiveClientOptions) {
    this.#get = options.get ?? getByFetch;
  }

  /** Sessions that run or ended less than 10 min ago, the newest first. */
  async sessions(): Promise<LiveSessionView[]> {
    return await this.#json("/live/sessions", z.array(LiveSessionView));
  }

  /** @throws SyncError `live_session_not_found`, `live_session_over` */
  async session(id: string): Promise<LiveSessionView> {
    return await this.#json(`/live/sessions/${encodeURIComponent(id)}`, LiveSessionView);
  }

  /**
   * Every event of a session (but heartbeats) in order, each one once, until its end. A connection that breaks is made
   * again, and goes on where it was; where that is impossible a snapshot replaces what is known.
   * @throws SyncError when the first connection fails, and when the session is gone later
   */
  async *events(id: string, { from, signal }: FollowOptions = {}): AsyncGenerator<LiveEvent> {
    let known = from;
    let connected = false;
    let pause = FIRST_PAUSE_MS;
    let heardAt = performance.now();
    while (!signal?.aborted) {
      try {
        for await (const event of this.#connection(id, known, () => connected = true, signal)) {
          pause = FIRST_PAUSE_MS;
          heardAt = performance.now();
          const news = isNews(event, known);
          // Something is missing: only a snapshot helps.
          if (news === "gap") {
            known = undefined;
            break;
          }
          if (!news) continue;
          known = { epoch: event.epoch, seq: event.seq };
          yield event;
          if (event.type === "end") return;
        }
      } catch (e) {
        if (signal?.aborted) return;
        if (e instanceof NothingMore) return;
        const missing = e instanceof SyncError && e.code === "live_session_not_found" &&
          performance.now() - heardAt < (this.options.missingMs ?? 15_000);
        const passes = connected && (missing || e instanceof SyncError && e.class === "network");
        if (!passes) throw e;
      }
      await sleep(pause, signal);
      pause = Math.min(2 * pause, this.options.pauseMs ?? 5_000);
    }
  }

  async *#connection(
    id: string,
    from: LivePosition | undefined,
    onOpen: () => void,
    signal?: AbortSignal,
  ): AsyncGenerator<LiveEvent> {
    const query = from ? `?${new URLSearchParams({ epoch: from.epoch, after: String(from.seq) })}` : "";
    const patience = new Patience(this.options.silenceMs ?? 15_000);
    try {
      const stop = signal ? AbortSignal.any([signal, patience.signal]) : patience.signal;
      const { status, body } = await this.#ask(
        `/live/sessions/${encodeURIComponent(id)}/events${query}`,
        stop,
      );
      onOpen();
      if (status === 204) throw new NothingMore();
      for await (const data of eventData(body, () => patience.renew())) {
        yield LiveEvent.parse(JSON.parse(data));
      }
    } catch (e) {
      throw e instanceof NothingMore ? e : asFailure(this.options.url, e);
    } finally {
      patience.end();
    }
  }

  async #json<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const patience = new Patience(this.options.silenceMs ?? 15_000);
    try {
      const { body } = await this.#ask(path, patience.signal);
      return schema.parse(JSON.parse(await textOf(body)));
    } catch (e) {
      throw asFailure(this.options.url, e);
    } finally {
      patience.end();
    }
  }

  async #ask(path: string, signal: AbortSignal): Promise<Reply> {
    const { url, token } = this.options;
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    return await accepted(await this.#get(url + path, headers, signal));
  }
}

/** The session has ended, and everything of it is known. */
class NothingMore extends Error {}

function isNews(event: LiveEvent, known: LivePosition | undefined): boolean | "gap" {
  if (event.type === "heartbeat") {
    return known?.epoch !== event.epoch || event.seq > known.seq ? "gap" : false;
  }
  if (event.type === "snapshot") return true;
  if (event.epoch !== known?.epoch) return event.type === "open" ? true : "gap";
  if (event.seq <= known.seq) return false;
  const from = "seq_from" in event ? event.seq_from ?? event.seq : event.seq;
  return from > known.seq + 1 ? "gap" : true;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
    if (signal?.aborted) done();
  });
}
