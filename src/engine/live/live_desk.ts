/**
 * Follows what is being measured (behaviour 10): which items are asked about, which are followed, and that each takes
 * the normal way afterwards. Nothing here is needed to find anything again: an item whose session ended with the agent
 * is in state `live` in the catalog, and is asked about anew.
 */
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { LiveEnd } from "../../kit/live.ts";
import { LiveFiles } from "./live_files.ts";
import type { SessionFacts } from "../../live/live_event.ts";
import type { LiveFeed } from "../../live/live_feed.ts";
import type { LiveLane, ReadySource, Services } from "../services.ts";
import { Announcements } from "./announcements.ts";
import type { LiveSourceOptions } from "./live_entry.ts";
import { LiveSource } from "./live_source.ts";

export interface LiveDeskOptions extends LiveSourceOptions {
  begin(facts: SessionFacts): LiveFeed;
}

export interface LiveDeskHooks {
  /** Items may be due now. */
  onChange(): void;
  /** The platform can be reached, as far as is known. */
  connected(): boolean;
  /** Number of the current round, for records. */
  iteration(): number;
}

/** Between looks at whether what is followed is still there, ms. */
const SWEEP_MS = 5000;
/** An item that was refused, or whose session ended, is not asked about again sooner, ms. */
const AGAIN_MS = 500;
/** After a session that failed, ms. */
const AFTER_FAILURE_MS = 300_000;

/** Until an item may be asked about again. */
interface Pause {
  /** Monotonic ms. */
  at: number;
  /** Then it is to be asked about. */
  offered: boolean;
  /** Following it has failed: meanwhile it takes the normal way. */
  failed: boolean;
  source: ReadySource;
}

export class LiveDesk implements LiveLane {
  readonly #sources = new Map<number, LiveSource>();
  readonly #ends = new Map<number, LiveEnd>();
  readonly #notBefore = new Map<number, Pause>();
  readonly #announcements: Announcements;
  readonly #files: LiveFiles;
  #hooks: LiveDeskHooks = { onChange() {}, connected: () => false, iteration: () => 0 };
  #sweptAt = -Infinity;
  #swept = "";

  constructor(private readonly s: Services, private readonly options: LiveDeskOptions) {
    this.#files = new LiveFiles(s);
    this.#announcements = new Announcements(s, {
      onChange: () => this.#hooks.onChange(),
      iteration: () => this.#hooks.iteration(),
      renamed: (item) => this.#renamed(item),
    });
  }

  attach(hooks: LiveDeskHooks): void {
    this.#hooks = hooks;
  }

  expect(source: ReadySource): void {
    if (source.info.live) this.#at(source).warmUp();
  }

  offer(source: ReadySource, items: readonly number[]): void {
    if (!source.info.live || items.length === 0) return;
    const now = this.s.env.monotonic();
    const at = this.#at(source);
    for (const id of items) {
      const pause = this.#notBefore.get(id);
      if (pause && pause.at > now && !at.entries.has(id)) {
        Object.assign(pause, { offered: true, source });
        continue;
      }
      const item = this.s.catalog.items.byId(id);
      if (item) at.offer(item);
    }
  }

  held(): number[] {
    const followed = [...this.#sources.values()].flatMap((source) => [...source.held()]);
    const again = [...this.#notBefore].filter(([, pause]) => pause.offered && !pause.failed);
    return [...followed, ...again.map(([item]) => item), ...this.#announcements.busy];
  }

  /** How many items are followed. */
  get count(): number {
    let count = 0;
    for (const { entries } of this.#sources.values()) {
      for (const { feed } of entries.values()) if (feed) count++;
    }
    return count;
  }

  endOf(item: number): LiveEnd | undefined {
    return this.#ends.get(item);
  }

  fileOf(dataset: string): string {
    return this.#files.pathOf(dataset);
  }

  /** A normal run of the item is over. */
  ran({ id, source_id }: ItemRow): void {
    const { catalog, env } = this.s;
    this.#ends.delete(id);
    const at = this.#sources.get(source_id);
    const entry = at?.entries.get(id);
    if (entry?.phase === "live" && !at?.isReplica) catalog.queue.holdLive(id, env.now());
    const item = catalog.items.byId(id);
    if (!entry && item?.state === "done") this.#files.remove(item.dataset_uuid);
  }

  /** Looks at what time and others changed. @param ready sources that can be worked with */
  attend(ready: ReadonlyMap<number, ReadySource>): void {
    this.#announcements.attend(ready, this.#hooks.connected());
    this.#offerAgain(ready);
    const now = this.s.env.monotonic();
    const which = [...ready.keys()].join();
    if (which === this.#swept && now - this.#sweptAt < SWEEP_MS) return;
    [this.#swept, this.#sweptAt] = [which, now];
    for (const source of ready.values()) this.#recall(source);
    for (const source of this.#sources.values()) {
      source.source = ready.get(source.source.row.id) ?? source.source;
      this.#endLost(source);
      source.tidy();
    }
    this.#files.tidy(new Set(this.#followed().map((item) => item.dataset_uuid)));
  }

  /** When {@link attend} has something to do only because time goes by, monotonic ms; null when it has not. */
  get nextChangeAt(): number | null {
    const times = [...this.#notBefore.values()].filter((p) => p.offered).map((p) => p.at);
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** The source was stopped, changed or removed. */
  sourceStopped(source: number): void {
    const stopped = this.#sources.get(source);
    this.#sources.delete(source);
    stopped?.close({ reason: "stopped", evidence: "the source was stopped or changed", complete: null });
  }

  async close(): Promise<void> {
    const end: LiveEnd = { reason: "stopped", evidence: "the agent ends", complete: null };
    await Promise.all([...this.#sources.values()].map((source) => source.close(end)));
    await this.#announcements.end();
    this.#sources.clear();
  }

  #followed(): ItemRow[] {
    return [...this.#sources.values()].flatMap((source) => [...source.entries.values()].map((e) => e.item));
  }

  #at(source: ReadySource): LiveSource {
    const { id } = source.row;
    const known = this.#sources.get(id);
    if (known) return known;
    const { catalog, env } = this.s;
    const created: LiveSource = new LiveSource(
      this.s,
      source,
      {
        begin: (facts) => this.options.begin(facts),
        opened: (item) => {
          if (created.isReplica) return;
          catalog.queue.holdLive(item, env.now());
          this.#announcements.add(item);
          this.#hooks.onChange();
        },
        parked: (item, parked) => {
          if (parked) catalog.queue.releaseLive(item, env.now());
          else if (!created.isReplica) catalog.queue.holdLive(item, env.now());
          this.#hooks.onChange();
        },
        closed: (item, end) => this.#closed(source, item, end),
      },
      this.#files,
      this.options,
    );
    this.#sources.set(id, created);
    return created;
  }

  /** The item takes the normal way now, at once when it was followed. */
  #closed(source: ReadySource, { id: item, dataset_uuid }: ItemRow, end: LiveEnd | null): void {
    const { catalog, env, log } = this.s;
    this.#announcements.remove(item, end?.reason === "stopped");
    const failed = end?.reason === "failed";
    const at = env.monotonic() + (failed ? AFTER_FAILURE_MS : AGAIN_MS);
    if (end?.reason !== "stopped") this.#notBefore.set(item, { at, offered: failed, failed, source });
    // One that is stopped stays `live`, to be asked about when the source or the agent is started again.
    const row = catalog.items.byId(item);
    // Its source was removed, or it was known by another name before: nothing comes that would replace the file.
    if (!row) this.#files.remove(dataset_uuid);
    if (row && end?.reason !== "stopped") {
      if (end) this.#ends.set(item, end);
      if (end || row.state === "live") catalog.queue.releaseLive(item, env.now());
    }
    if (end) log(`live_ended: "${row?.identifier ?? item}" was ${end.reason}: ${end.evidence}`);
    this.#hooks.onChange();
  }

  /** What was offered too soon after its last session. */
  #offerAgain(ready: ReadonlyMap<number, ReadySource>): void {
    const now = this.s.env.monotonic();
    for (const [item, { at, offered, source }] of this.#notBefore) {
      if (at > now) continue;
      this.#notBefore.delete(item);
      const current = ready.get(source.row.id);
      if (offered && current) this.offer(current, [item]);
    }
  }

  /** Items that were followed when the agent or the source was stopped. */
  #recall(source: ReadySource): void {
    const { catalog, env } = this.s;
    const known = this.#sources.get(source.row.id)?.entries;
    const left = catalog.queue.live(source.row.id).filter((id) => !known?.has(id));
    if (source.info.live) this.offer(source, left);
    for (const id of left) {
      const isAsked = this.#sources.get(source.row.id)?.entries.has(id) || this.#notBefore.has(id);
      if (!isAsked) catalog.queue.releaseLive(id, env.now());
    }
  }

  /** The input of what is followed moved away or was deleted. */
  #endLost(source: LiveSource): void {
    for (const { item } of [...source.entries.values()]) {
      const row = this.s.catalog.items.byId(item.id);
      const isGone = !row || row.state === "vanished" || row.state === "deleted_locally";
      const isElsewhere = row?.identifier !== item.identifier || row.source_id !== item.source_id;
      if (!isGone && !isElsewhere) continue;
      const evidence = isGone ? "its input is gone" : `its input moved to "${row?.identifier}"`;
      source.end(item.id, { reason: "lost", evidence, complete: false });
    }
  }

  /** The platform knows the measurement as another dataset: its session begins anew under that name. */
  #renamed(id: number): void {
    const item = this.s.catalog.items.byId(id);
    const at = item && this.#sources.get(item.source_id);
    if (item && at) at.reopen(item);
  }
}
