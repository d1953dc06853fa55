/** Passes the events of all sessions on to a hub, as fast as it takes them; what it does not take holds up nobody. */
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import type { LiveSessions } from "./live_sessions.ts";
import type { RelayPosition } from "./relay_batch.ts";
import type { Snapshot } from "./snapshot.ts";
import { type LiveMessage, type LiveSubscription, textOf } from "./subscription.ts";

/** The way to a hub. */
export interface LiveUplink {
  /**
   * Sends a batch, JSON of a `RelayBatch`, of one session.
   * @returns what the hub knows now; null when it does not take live measurements at all
   * @throws SyncError when nothing is known of what became of it
   */
  relay(session: string, batch: string, signal: AbortSignal): Promise<RelayPosition | null>;
}

export interface LiveForwarderOptions {
  sessions: LiveSessions;
  uplink: LiveUplink;
  env: Env;
  log?: (line: string) => void;
}

/** Time between two batches of a session, ms. */
const BATCH_MS = 100;
/** Bytes of events in a batch; a longer event is a batch of its own. */
const BATCH_BYTES = 1024 * 1024;
/** A hub that does not take live measurements is not asked for so long, ms. */
export const ABSENT_MS = 3_600_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** Pause of a session that is not open yet, or without a dataset on the platform, ms. */
const NOT_READY_MS = 100;
/** Time for the last events when the agent ends, ms. */
const LAST_WORD_MS = 2_000;

export class LiveForwarder {
  readonly #stop = new AbortController();
  readonly #following = new Map<string, Promise<void>>();
  readonly #unobserve: () => void;
  #absentUntil = 0;
  #said = "";

  constructor(private readonly options: LiveForwarderOptions) {
    this.#unobserve = options.sessions.observe(() => this.#followAll());
    this.#followAll();
  }

  /** Ends; the last events of sessions that are over are still told. */
  async close(): Promise<void> {
    this.#unobserve();
    const done = Promise.all(this.#following.values());
    const patience = new AbortController();
    await Promise.race([done, this.options.env.sleep(LAST_WORD_MS, patience.signal).catch(() => {})]);
    patience.abort();
    this.#stop.abort();
    await done;
  }

  #followAll(): void {
    for (const id of this.options.sessions.ids()) {
      if (this.#following.has(id)) continue;
      this.#following.set(id, this.#follow(id).finally(() => this.#following.delete(id)));
    }
  }

  /** One session until its end, or until it is gone. */
  async #follow(id: string): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (!this.#stop.signal.aborted) {
      try {
        const wait = Math.max(this.#absentUntil - this.options.env.monotonic(), 0);
        if (wait > 0) await this.#sleep(wait);
        if (await this.#connection(id, () => pause = FIRST_PAUSE_MS)) return;
        await this.#sleep(BATCH_MS);
        continue;
      } catch (e) {
        if (this.#stop.signal.aborted || !this.options.sessions.ids().includes(id)) return;
        this.#say(SyncError.from(e).message);
      }
      await this.#sleep(pause * (0.5 + this.options.env.random() / 2)).catch(() => {});
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  /**
   * Goes on where the hub is, as long as it takes what comes.
   * @returns true when everything was told
   */
  async #connection(id: string, onSuccess: () => void): Promise<boolean> {
    const { sessions } = this.options;
    while (sessions.ids().includes(id) && !sessions.get(id)?.dataset_uuid) await this.#sleep(NOT_READY_MS);
    let at = await this.#send(id, []);
    if (!at) return false;
    const position = at.epoch === null ? {} : { epoch: at.epoch, after: at.seq };
    const subscription = sessions.subscribe(id, position, this.#stop.signal);
    try {
      for await (const first of subscription) {
        const sentAt = this.options.env.monotonic();
        let last = first;
        const wanted = { epoch: first.epoch, seq: first.seq };
        if (first.snapshot) at = await this.#sendSnapshot(id, first.snapshot);
        else {
          const batch = collected(first, subscription);
          last = batch.last;
          Object.assign(wanted, { epoch: last.epoch, seq: last.seq });
          at = await this.#send(id, batch.texts);
          // A snapshot was met on the way.
          if (at && batch.snapshot) at = await this.#sendSnapshot(id, batch.snapshot);
        }
        // It knows something else: from there on, or everything.
        if (at?.epoch !== wanted.epoch || at.seq < wanted.seq) return false;
        onSuccess();
        if (last.type === "end") return true;
        await this.#sleep(Math.max(0, BATCH_MS - (this.options.env.monotonic() - sentAt)));
      }
      return true;
    } finally {
      subscription.cancel();
    }
  }

  /** A long snapshot goes in several batches. */
  async #sendSnapshot(id: string, snapshot: Snapshot): Promise<RelayPosition | null> {
    const { epoch, seq } = snapshot.head;
    let begun = false;
    let patches: string[] = [];
    let size = 0;
    const flush = async (last: boolean) => {
      const list = `"patches":[${patches.join(",")}]`;
      const text = begun
        ? `${JSON.stringify({ type: "snapshot_part", epoch, seq, last }).slice(0, -1)},${list}}`
        : `${JSON.stringify({ ...snapshot.head, ...(last ? {} : { more: true }) }).slice(0, -1)},${list}}`;
      [begun, patches, size] = [true, [], 0];
      return await this.#send(id, [text]);
    };
    for (const patch of snapshot.patches()) {
      if (size > 0 && size + patch.length > BATCH_BYTES) {
        if (await flush(false) === null) return null;
      }
      patches.push(patch);
      size += patch.length;
    }
    return await flush(true);
  }

  async #send(id: string, events: readonly string[]): Promise<RelayPosition | null> {
    const { sessions, uplink, env } = this.options;
    const { id: _, item_id, source, dataset_uuid, name, backend } = sessions.view(id);
    // Where the live file lies concerns nobody elsewhere.
    const facts = { id, source, item_id, dataset_uuid, name, backend, live_file: null };
    const batch = `{"facts":${JSON.stringify(facts)},"events":[${events.join(",")}]}`;
    const position = await uplink.relay(id, batch, this.#stop.signal);
    if (position) return position;
    this.#absentUntil = env.monotonic() + ABSENT_MS;
    this.#say("the platform does not take running measurements; it is asked again in an hour");
    return null;
  }

  /** Each thing once in a row. */
  #say(line: string): void {
    if (line !== this.#said) this.options.log?.(`live measurements: ${line}`);
    this.#said = line;
  }

  #sleep(ms: number): Promise<void> {
    return this.options.env.sleep(ms, this.#stop.signal);
  }
}

interface Collected {
  texts: string[];
  last: LiveMessage;
  snapshot?: Snapshot;
}

/** What is there to tell now, up to a snapshot or a full batch. */
function collected(first: LiveMessage, subscription: LiveSubscription): Collected {
  const texts = [textOf(first)];
  let last = first;
  let size = texts[0]?.length ?? 0;
  while (size < BATCH_BYTES) {
    const next = subscription.ready();
    if (!next) break;
    last = next;
    if (next.snapshot) return { texts, last, snapshot: next.snapshot };
    const text = textOf(next);
    texts.push(text);
    size += text.length;
  }
  return { texts, last };
}
