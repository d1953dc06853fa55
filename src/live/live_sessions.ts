/** The live measurements of an agent, or of all agents of a hub: those that run, and those that ended a moment ago. */
import { join } from "node:path";
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import type { LiveSessionView, SessionFacts } from "./live_event.ts";
import { LiveFeed } from "./live_feed.ts";
import { LiveRelay } from "./live_relay.ts";
import { LiveStream } from "./live_stream.ts";
import { PagePool } from "./page_pool.ts";
import { ReplayMemory, WINDOW, type WindowLimits } from "./replay_window.ts";
import { LiveSubscription, type Position } from "./subscription.ts";

/** A session can be read for so long after its end, ms. */
export const KEPT_MS = 10 * 60_000;
/** A subscriber hears something at least this often, ms. */
export const HEARTBEAT_MS = 5_000;
const TICK_MS = 500;
/** Readers of all sessions together. */
const MAX_READERS = 512;
/** Sessions at once: an agent has at most 64 for each source, a hub those of all its agents. */
const MAX_SESSIONS = 2048;
/** Ids of sessions that are gone, for a better word than "unknown". */
const GONE_KEPT = 1000;

const CELLS_IN_MEMORY = 64 * 1024 * 1024;
const EVENTS_IN_MEMORY = 128 * 1024 * 1024;

export interface LiveSessionsOptions {
  env: Env;
  /**
   * Where a private folder is made for what does not fit into memory: cells beyond 64 MiB and events beyond 128 MiB,
   * of all sessions together (texts and one bit for each cell always stay in memory). It is removed by `close`; what a
   * killed process left is for the owner of this folder to remove. Without one everything stays in memory.
   */
  folder?: string;
  cellsInMemory?: number;
  eventsInMemory?: number;
  /** How far back a subscriber may come back without a snapshot; default 10,000 events, 64 MiB. */
  window?: WindowLimits;
}

export class LiveSessions {
  readonly #env: Env;
  readonly #folder: string | undefined;
  readonly #pool: PagePool;
  readonly #memory: ReplayMemory;
  readonly #window: WindowLimits;
  readonly #streams = new Map<string, LiveStream>();
  readonly #relays = new Map<string, LiveRelay>();
  readonly #closed = new AbortController();
  readonly #observers = new Set<() => void>();
  readonly #gone = new Set<string>();
  #readers = 0;
  #ticking = false;

  constructor({ env, folder, cellsInMemory, eventsInMemory, window }: LiveSessionsOptions) {
    this.#env = env;
    // One of its own: other processes may be at work on the same state.
    this.#folder = folder === undefined ? undefined : join(folder, env.uuid());
    this.#pool = new PagePool(this.#folder, cellsInMemory ?? CELLS_IN_MEMORY);
    this.#window = window ?? WINDOW;
    this.#memory = new ReplayMemory(this.#folder, eventsInMemory ?? EVENTS_IN_MEMORY);
  }

  /**
   * A measurement is going to be followed. It is listed once it is open; one with the same id is replaced.
   * @throws SyncError `live_sessions_too_many`
   */
  begin(facts: SessionFacts): LiveFeed {
    return new LiveFeed(this.#add(facts), this.#env);
  }

  /**
   * A measurement that another agent follows, as it passes it on; the one that is known already, if there is one.
   * @throws SyncError `live_sessions_too_many`
   */
  adopt(facts: SessionFacts & { id: string }): LiveRelay {
    this.#sweep();
    const known = this.#relays.get(facts.id);
    if (known) return known;
    const relay = new LiveRelay(this.#add(facts), this.#env);
    this.#relays.set(facts.id, relay);
    return relay;
  }

  /** Ids of all sessions, also of those that are not open yet. */
  ids(): string[] {
    return [...this.#streams.keys()];
  }

  /** Sessions that are open or ended less than 10 min ago, the newest first. */
  list(): LiveSessionView[] {
    this.#sweep();
    return [...this.#streams.values()].filter((s) => s.seq > 0).map((s) => this.#viewOf(s)).reverse();
  }

  get(id: string): LiveSessionView | undefined {
    this.#sweep();
    const stream = this.#streams.get(id);
    return stream && stream.seq > 0 ? this.#viewOf(stream) : undefined;
  }

  /** @throws SyncError `live_session_not_found`, `live_session_over` */
  view(id: string): LiveSessionView {
    const view = this.get(id);
    if (!view) throw this.#missing(id);
    return view;
  }

  /**
   * Follows a session: every event after `after` where that is possible, else a snapshot first (E7).
   * @param signal cancels it
   * @throws SyncError `live_session_not_found`, `live_session_over`, `live_readers_too_many`
   */
  subscribe(id: string, position: Position = {}, signal?: AbortSignal): LiveSubscription {
    this.#sweep();
    const stream = this.#streams.get(id);
    if (!stream || this.#closed.signal.aborted) throw this.#missing(id);
    if (this.#readers >= MAX_READERS) {
      throw new SyncError(
        "busy",
        "live_readers_too_many",
        `${MAX_READERS} readers follow live sessions already`,
        {
          hint: "Close some of them.",
        },
      );
    }
    this.#readers++;
    const end = () => subscription.cancel();
    const subscription = new LiveSubscription(stream, position, this.#env, () => {
      this.#readers--;
      signal?.removeEventListener("abort", end);
    });
    if (signal?.aborted) subscription.cancel();
    else signal?.addEventListener("abort", end, { once: true });
    return subscription;
  }

  /** Calls `observer` whenever a session begins or is gone. @returns ends it */
  observe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Lets all subscribers go and forgets everything. */
  close(): void {
    this.#closed.abort();
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
    this.#relays.clear();
    this.#pool.close();
    if (this.#folder === undefined) return;
    try {
      Deno.removeSync(this.#folder, { recursive: true });
    } catch {
      // Nothing was ever put there.
    }
  }

  #add(facts: SessionFacts): LiveStream {
    this.#sweep();
    if (this.#streams.size >= MAX_SESSIONS) {
      throw new SyncError(
        "busy",
        "live_sessions_too_many",
        `${MAX_SESSIONS} measurements are followed already`,
        {
          hint: "They are forgotten 10 minutes after their end.",
        },
      );
    }
    const id = facts.id ?? this.#env.uuid();
    this.#streams.get(id)?.close();
    this.#streams.delete(id);
    this.#relays.delete(id);
    this.#gone.delete(id);
    const stream = new LiveStream(id, facts, this.#env, this.#pool, this.#memory, this.#window);
    this.#streams.set(id, stream);
    this.#tick();
    this.#notify();
    return stream;
  }

  #viewOf(stream: LiveStream): LiveSessionView {
    return this.#relays.get(stream.id)?.view ?? stream.view;
  }

  #sweep(): void {
    const before = this.#env.now() - KEPT_MS;
    for (const relay of this.#relays.values()) relay.checkSilence();
    const gone = [...this.#streams.values()].filter((s) =>
      s.end !== undefined && s.updated < before || this.#relays.get(s.id)?.abandoned
    );
    for (const stream of gone) {
      stream.close();
      this.#streams.delete(stream.id);
      this.#relays.delete(stream.id);
      this.#gone.add(stream.id);
    }
    for (const id of [...this.#gone].slice(0, Math.max(0, this.#gone.size - GONE_KEPT))) {
      this.#gone.delete(id);
    }
    if (gone.length > 0) this.#notify();
  }

  #missing(id: string): SyncError {
    const hint = "List the sessions to see which ones can be read now.";
    return this.#gone.has(id)
      ? new SyncError(
        "usage",
        "live_session_over",
        `the live session ${id} has ended more than 10 minutes ago`,
        {
          hint,
        },
      )
      : new SyncError("usage", "live_session_not_found", `there is no live session ${id}`, { hint });
  }

  #notify(): void {
    for (const observer of this.#observers) observer();
  }

  /** Heartbeats and forgetting, while there are sessions. */
  async #tick(): Promise<void> {
    if (this.#ticking) return;
    this.#ticking = true;
    while (this.#streams.size > 0 && !this.#closed.signal.aborted) {
      await this.#env.sleep(TICK_MS, this.#closed.signal).catch(() => {});
      for (const stream of this.#streams.values()) {
        for (const subscriber of stream.subscribers) subscriber.beat(HEARTBEAT_MS - TICK_MS / 2);
      }
      this.#sweep();
    }
    this.#ticking = false;
  }
}
