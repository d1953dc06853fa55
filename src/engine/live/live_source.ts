/** The items of one source that are asked about and followed, and the process in which that happens. */
import { join } from "node:path";
import type { ItemRow } from "../../catalog/item_rows.ts";
import { SyncError } from "../../kit/errors.ts";
import type { LiveEnd } from "../../kit/live.ts";
import { LiveHostProcess } from "../../readers/live/live_host_process.ts";
import type { FromHost, WireChange } from "../../readers/live/protocol.ts";
import { itemPath } from "../../discovery/folder_scan.ts";
import type { Config } from "../../kit/define_backend.ts";
import type { ReadySource, Services } from "../services.ts";
import type { LiveFiles } from "./live_files.ts";
import { feedChanges, ownFile } from "./feed_changes.ts";
import type { LiveEntry, LiveSourceHooks, LiveSourceOptions } from "./live_entry.ts";

/** Items asked about at once. */
const ASKED = 4;
/** Items that may wait to be asked about: of more the older ones are taken for finished. */
const WAITING = 64;
/** Ended hosts after which an item takes the normal way. */
const CRASHES = 3;
const RESTART_MS = 1000;
/** A host without anything to follow is closed after this time, ms. */
const IDLE_MS = 300_000;

export class LiveSource {
  readonly entries = new Map<number, LiveEntry>();
  #host: LiveHostProcess | undefined;
  #idleSince = 0;
  #restartAt = 0;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #sessions = 0;
  #closed = false;

  constructor(
    private readonly s: Services,
    public source: ReadySource,
    private readonly hooks: LiveSourceHooks,
    private readonly files: LiveFiles,
    private readonly options: LiveSourceOptions,
  ) {}

  /** Items whose normal synchronization waits. */
  *held(): Generator<number> {
    if (this.isReplica) return;
    for (const { item, phase } of this.entries.values()) if (phase !== "parked") yield item.id;
  }

  /** Of a replica the normal run passes over the running file alone: its items need not wait. */
  get isReplica(): boolean {
    return this.source.info.scope_policy === "DISABLED";
  }

  /** Starts the process, so that it is there when it is needed. */
  warmUp(): void {
    this.#idleSince = this.s.env.monotonic();
    if (this.#closed || this.#host || this.#restartAt > this.#idleSince) return;
    try {
      this.#host = this.#start();
    } catch (e) {
      this.#ended(SyncError.from(e));
    }
  }

  /** Asks about an item unless it is followed already. @returns false when there are too many */
  offer(item: ItemRow): boolean {
    const known = this.entries.get(item.id);
    if (known) {
      if (known.session > 0) this.#host?.send({ type: "wake", id: known.session });
      return true;
    }
    const { waiting, followed } = this.#byPhase();
    if (followed.length >= this.options.most) return false;
    if (waiting.length >= WAITING && waiting[0]) this.#forget(waiting[0], null);
    this.entries.set(item.id, {
      item,
      session: 0,
      phase: "waiting",
      feed: undefined,
      temp: undefined,
      crashes: 0,
    });
    this.#askMore();
    return true;
  }

  /** Ends what is known of an item. */
  end(item: number, end: LiveEnd): void {
    const entry = this.entries.get(item);
    if (!entry) return;
    if (entry.session > 0) this.#host?.send({ type: "close", id: entry.session });
    this.#forget(entry, end);
  }

  /** Follows an item anew: another epoch. */
  reopen(item: ItemRow): void {
    const entry = this.entries.get(item.id);
    if (!entry) return;
    if (entry.session > 0) this.#host?.send({ type: "close", id: entry.session });
    if (item.dataset_uuid !== entry.item.dataset_uuid) this.files.remove(entry.item.dataset_uuid);
    entry.feed?.update({ dataset_uuid: item.dataset_uuid, live_file: this.files.pathOf(item.dataset_uuid) });
    Object.assign(entry, { item, session: 0, phase: "waiting" });
    this.#askMore();
  }

  /** Closes the process when it was without work for long. */
  tidy(): void {
    if (this.entries.size > 0) this.#idleSince = this.s.env.monotonic();
    else if (this.#host && this.s.env.monotonic() - this.#idleSince > IDLE_MS) this.#endHost();
  }

  /** Ends all sessions and the process. */
  async close(end: LiveEnd): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restartTimer);
    for (const entry of [...this.entries.values()]) this.#forget(entry, end);
    await this.#endHost();
  }

  async #endHost(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.end();
  }

  #forget(entry: LiveEntry, end: LiveEnd | null): void {
    if (this.entries.get(entry.item.id) !== entry) return;
    this.entries.delete(entry.item.id);
    this.#idleSince = this.s.env.monotonic();
    if (end) entry.feed?.end(end);
    this.hooks.closed(entry.item, end);
    this.#askMore();
  }

  #byPhase(): Record<"waiting" | "asked" | "followed", LiveEntry[]> {
    const all = [...this.entries.values()];
    return {
      waiting: all.filter((e) => e.phase === "waiting"),
      asked: all.filter((e) => e.phase === "asked"),
      followed: all.filter((e) => e.phase === "live" || e.phase === "parked"),
    };
  }

  /** Asks about waiting items, the newest first. */
  #askMore(): void {
    if (this.#closed) return;
    const wait = this.#restartAt - this.s.env.monotonic();
    if (wait > 0) {
      clearTimeout(this.#restartTimer);
      this.#restartTimer = setTimeout(() => this.#askMore(), wait);
      return;
    }
    const { waiting, asked, followed } = this.#byPhase();
    const room = this.options.most - followed.length;
    // For those that find no room the normal way is better than waiting.
    if (room <= 0) return waiting.forEach((entry) => this.#forget(entry, null));
    const now = Math.min(ASKED, room) - asked.length;
    for (const entry of waiting.reverse().slice(0, Math.max(0, now))) this.#ask(entry);
  }

  #ask(entry: LiveEntry): void {
    const { source, s, options } = this;
    this.warmUp();
    const host = this.#host;
    if (!host) return;
    entry.phase = "asked";
    entry.session = ++this.#sessions;
    const { item, session } = entry;
    const temp = entry.temp = join(s.home.stagingDir, `live-${s.env.uuid()}`);
    const { time_zone } = source.config;
    const send = (config: Config) =>
      host.send({
        type: "open",
        id: session,
        backend: source.info.identifier,
        config,
        item: {
          identifier: item.identifier,
          path: source.plan.kind === "folder" ? itemPath(source.plan, item.path ?? item.identifier) : "",
        },
        time_zone: typeof time_zone === "string"
          ? time_zone
          : Intl.DateTimeFormat().resolvedOptions().timeZone,
        resumed: entry.feed !== undefined,
        temp,
        folder: this.files.folderOf(item.dataset_uuid),
      });
    options.unsealed(source.config).then(send).catch((e) =>
      this.#receive(host, { type: "refused", id: session, reason: "", error: SyncError.from(e).toData() })
    );
  }

  #start(): LiveHostProcess {
    const { s, options } = this;
    const host = new LiveHostProcess({
      load: options.load,
      source: this.source.row.name,
      temp: s.home.stagingDir,
      now: () => s.env.monotonic(),
      ...(options.rules ? { rules: options.rules } : {}),
      ...(options.lookMs ? { lookMs: options.lookMs } : {}),
      onMessage: (message) => this.#receive(host, message),
      onGone: (error) => {
        if (this.#host !== host) return;
        this.#host = undefined;
        this.#ended(error);
      },
    });
    s.log(`live host ${host.pid} of "${this.source.row.name}" started`);
    return host;
  }

  /** The process ended: what it followed is followed anew, unless that goes wrong again and again. */
  #ended(error: SyncError): void {
    const { s } = this;
    s.log(`${error.code}: ${error.message}`);
    const entries = [...this.entries.values()].filter((e) => e.phase !== "waiting");
    const worst = Math.max(0, ...entries.map((e) => e.crashes));
    this.#restartAt = s.env.monotonic() +
      (this.options.restartMs ?? RESTART_MS) * 2 ** worst * (0.5 + s.env.random());
    for (const entry of entries) {
      if (entry.temp) s.env.fs.remove(entry.temp, { recursive: true }).catch(() => {});
      [entry.phase, entry.session] = ["waiting", 0];
      if (++entry.crashes < CRASHES) continue;
      this.#forget(entry, {
        reason: "failed",
        evidence: `${error.code}: ${error.message}`,
        complete: null,
      });
    }
    this.#askMore();
  }

  #receive(host: LiveHostProcess, message: FromHost): void {
    if (host !== this.#host || !("id" in message)) return;
    const entry = [...this.entries.values()].find((e) => e.session === message.id);
    if (!entry) return;
    const { id } = entry.item;
    switch (message.type) {
      case "opened":
        entry.phase = "live";
        this.hooks.opened(id);
        return this.#askMore();
      case "refused": {
        if (message.error) {
          this.s.log(`live: "${entry.item.identifier}": ${message.error.code}: ${message.reason}`);
        }
        // It was followed until its process ended, and is no longer one that runs.
        const end: LiveEnd = { reason: "inactive", evidence: message.reason, complete: null };
        return this.#forget(entry, entry.feed ? end : null);
      }
      case "changes":
        entry.crashes = 0;
        return this.#feed(entry, message.changes);
      case "state":
        return entry.feed?.state(message.state);
      case "parked":
        entry.phase = message.parked ? "parked" : "live";
        return this.hooks.parked(id, message.parked);
      case "end":
        return this.#forget(entry, message.end);
      case "note":
        this.s.logOnce(`${message.error.code}: ${message.error.message}`);
    }
  }

  #feed(entry: LiveEntry, changes: readonly WireChange[]): void {
    const { item } = entry;
    try {
      entry.feed ??= this.hooks.begin({
        source: this.source.row.name,
        item_id: item.id,
        dataset_uuid: item.dataset_uuid,
        name: item.identifier,
        backend: this.source.info.identifier,
        live_file: ownFile(changes) ?? this.files.pathOf(item.dataset_uuid),
      });
      feedChanges(entry.feed, changes);
    } catch (e) {
      // What its backend tells makes no sense: the item takes the normal way.
      const { code, message } = SyncError.from(e);
      this.end(item.id, { reason: "failed", evidence: `${code}: ${message}`, complete: null });
    }
  }
}
