/** `once`: syncs until nothing is due, then says what it did. */
import type { ItemRow } from "../catalog/item_rows.ts";
import { reasonOf } from "../catalog/reason.ts";
import { SyncError } from "../kit/errors.ts";
import { abortOrphans } from "../transfer/orphans.ts";
import { FAILURES_TO_OPEN } from "./breaker.ts";
import { ClockWatch } from "./clock_watch.ts";
import { discover } from "./lookout/discover.ts";
import type { ItemOutcome } from "./item/file_run.ts";
import { verdictKey } from "./item/item_verdict.ts";
import { resolveSource } from "./sources/resolve_source.ts";
import { Scheduler } from "./scheduler.ts";
import type { ReadySource, Services } from "./services.ts";
import type { OnceItem, OnceProgress, OnceReport } from "./views.ts";
import { removeLiveFile } from "./live/live_files.ts";
import { withTimer } from "./waking.ts";

/** An item whose input changes all the time is left for the next run after so many tries. */
const TRIES = 5;

export interface OnceOptions {
  /** Names; default all that are not stopped. */
  sources?: string[];
  /** Discovery rounds; default until nothing is due. */
  iterations?: number;
  timeoutMs?: number;
  dryRun?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: OnceProgress) => void;
}

/** Runs the whole of `once`; the caller holds the instance lock. */
export async function once(s: Services, options: OnceOptions): Promise<OnceReport> {
  return await new OnceRun(s, options).run();
}

class OnceRun {
  readonly #report: OnceReport;
  readonly #touched = new Map<number, OnceItem>();
  readonly #tries = new Map<number, number>();
  readonly #ready = new Map<number, ReadySource>();
  readonly #scheduler: Scheduler;
  readonly #clock: ClockWatch;
  readonly #startedAt: number;
  readonly #stop = new AbortController();
  #iteration = 0;
  /** In a row, up to now. */
  #networkFailures = 0;
  /** The last of them. */
  #unreachable: SyncError | undefined;
  #bytes = 0;
  #lastProgress = 0;
  #fatal: SyncError | undefined;

  constructor(private readonly s: Services, private readonly options: OnceOptions) {
    this.#startedAt = s.env.monotonic();
    this.#clock = new ClockWatch(s.env);
    this.#scheduler = new Scheduler(s, {
      ready: () => this.#started(),
      iteration: () => this.#iteration,
      started: (item) => this.#begin(item),
      finished: (item, outcome) => this.#count(item, outcome),
      broken: (item, error) => this.#broken(item, error),
    }, { dryRun: options.dryRun ?? false });
    this.#stop.signal.addEventListener("abort", () => this.#scheduler.park(this.#stop.signal.reason));
    this.#report = {
      sources: [],
      items: [],
      files_uploaded: 0,
      bytes_uploaded: 0,
      files_converted: 0,
      files_unchanged: 0,
      duration_ms: 0,
      dry_run: options.dryRun ?? false,
    };
    options.signal?.addEventListener("abort", () => this.#end("interrupted"), { once: true });
    if (options.signal?.aborted) this.#end("interrupted");
  }

  async run(): Promise<OnceReport> {
    const { s, options } = this;
    const timer = options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => this.#end(`timeout after ${options.timeoutMs} ms`), options.timeoutMs);
    try {
      const now = s.env.now();
      s.catalog.queue.recoverInterrupted(now);
      s.catalog.queue.rebaseClock(now);
      // Whoever starts a run has mended what stood in the way, or this run finds out at once.
      s.catalog.queue.releaseDeferred(["network", "auth", "local"], now);
      const names = this.#select();
      for (let round = 1; !this.#stop.signal.aborted; round++) {
        this.#iteration = s.catalog.nextIteration();
        await this.#discoverAll(names);
        const worked = await this.#work();
        if (options.iterations !== undefined ? round >= options.iterations : !worked) break;
      }
    } finally {
      clearTimeout(timer);
    }
    if (!options.dryRun && !this.#fatal) {
      await abortOrphans(s.client, s.transfer.journal).catch(() => {});
    }
    if (this.#fatal) throw this.#fatal;
    if (this.#unreachable && this.#networkFailures >= this.#touched.size) throw this.#unreachable;
    return this.#summary();
  }

  #select(): string[] {
    const all = this.s.catalog.sources.list();
    for (const name of this.options.sources ?? []) {
      if (!all.some((r) => r.name === name)) {
        throw new SyncError("usage", "sync_source_not_found", `there is no source "${name}"`, {
          hint: "List them with: etiket-sync source list",
        });
      }
    }
    return this.options.sources ?? all.map((r) => r.name);
  }

  /** Looks at all sources at once; one that fails is in error, the others go on. */
  async #discoverAll(names: readonly string[]): Promise<void> {
    await Promise.all(names.map(async (name) => {
      const row = this.s.catalog.sources.byName(name);
      if (!row || row.state === "stopped" || this.#stop.signal.aborted) return;
      this.#progress("discovery", name);
      try {
        const source = await resolveSource(this.s, row);
        this.s.catalog.queue.liftQuarantine(row.id, verdictKey(this.s, source), this.s.env.now());
        await discover(this.s, source, this.#stop.signal);
        this.#ready.set(row.id, source);
        this.s.catalog.sources.setState(row.id, "syncing", null, this.s.env.now());
      } catch (e) {
        if (!this.#stop.signal.aborted) this.#sourceFailed(row.id, SyncError.from(e));
      }
    }));
  }

  #sourceFailed(id: number, error: SyncError): void {
    this.#ready.delete(id);
    const data = error.toData();
    if (error.class === "local") this.#fail(error);
    this.s.catalog.errors.add(id, data, this.#iteration, this.s.env.now());
    this.s.catalog.sources.setState(id, "error", reasonOf(data), this.s.env.now());
  }

  /** Works until nothing is due in the sources that are ready. @returns whether anything was done */
  async #work(): Promise<boolean> {
    let worked = false;
    for (;;) {
      const worn = [...this.#tries].filter(([, n]) => n >= TRIES).map(([id]) => id);
      if (!this.#stop.signal.aborted) worked = this.#scheduler.pump(worn) > 0 || worked;
      if (this.#scheduler.busy.size > 0) {
        await this.#somethingEnds();
        continue;
      }
      // A clock that was set back would make inputs settle for years.
      if (this.#clock.jumped()) this.s.catalog.queue.rebaseClock(this.s.env.now());
      const quietAt = this.#nextQuiet();
      if (quietAt === undefined || this.#stop.signal.aborted) return worked;
      this.#progress("waiting", "for files that were just written");
      await this.s.env.sleep(Math.max(10, quietAt - this.s.env.now()), this.#stop.signal).catch(() => {});
    }
  }

  /** Waits for the end of a running item, or until another source may start one beside it. */
  async #somethingEnds(): Promise<void> {
    const at = this.#scheduler.nextChangeAt;
    const end = this.#scheduler.oneEnds();
    if (at === null) return await end;
    const { env } = this.s;
    await withTimer(env, at - env.monotonic(), undefined, (timer) => Promise.race([end, timer]));
  }

  /** Sources to take items from: not those that the user stopped meanwhile. */
  #started(): Map<number, ReadySource> {
    return new Map([...this.#ready].filter(([id]) => {
      const row = this.s.catalog.sources.byId(id);
      return row !== undefined && row.state !== "stopped";
    }));
  }

  /** When the first input that still settles will be quiet, ms. */
  #nextQuiet(): number | undefined {
    const times = [...this.#ready.keys()].flatMap((id) => {
      const { settling, firstQuietAt } = this.s.catalog.queue.pending(id, this.s.env.now());
      return settling > 0 && firstQuietAt !== null ? [firstQuietAt] : [];
    });
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #begin(item: ItemRow): void {
    this.#tries.set(item.id, (this.#tries.get(item.id) ?? 0) + 1);
    this.#progress("syncing", `${this.#ready.get(item.source_id)?.row.name}: ${item.identifier}`);
  }

  #broken(item: ItemRow, error: SyncError): void {
    if (error.class === "source") this.#sourceFailed(item.source_id, error);
    else this.#fail(error);
  }

  #count(item: ItemRow, outcome: ItemOutcome): void {
    if (!this.#report.dry_run) removeLiveFile(this.s, item.id);
    this.#touched.set(item.id, outcome.item);
    this.#report.files_uploaded += outcome.files_uploaded;
    this.#report.bytes_uploaded += outcome.bytes_uploaded;
    this.#report.files_converted += outcome.files_converted;
    this.#report.files_unchanged += outcome.files_unchanged;
    this.#bytes += outcome.bytes_uploaded;
    const error = outcome.error;
    this.#networkFailures = error?.class === "network" ? this.#networkFailures + 1 : 0;
    this.#unreachable = error?.class === "network" ? SyncError.fromData(error) : undefined;
    const outside = error !== undefined && (error.class === "auth" || error.class === "local");
    if (error && (outside || this.#networkFailures >= FAILURES_TO_OPEN)) {
      this.#fail(SyncError.fromData(error));
    }
  }

  /** The agent itself cannot go on: what is done is done, the rest stays due. */
  #fail(error: SyncError): void {
    this.#fatal ??= error;
    this.s.catalog.errors.add(null, error.toData(), this.#iteration, this.s.env.now());
    this.#stop.abort(error);
  }

  #end(why: string): void {
    this.#report.ended ??= why;
    this.#stop.abort(new Error(why));
  }

  #progress(phase: OnceProgress["phase"], current: string): void {
    const now = this.s.env.monotonic();
    if (now - this.#lastProgress < 250) return;
    this.#lastProgress = now;
    let due = 0;
    for (const id of this.#ready.keys()) {
      const p = this.s.catalog.queue.pending(id, this.s.env.now());
      due += p.due + p.settling;
    }
    this.options.onProgress?.({
      phase,
      items_done: this.#touched.size,
      items_due: due,
      bytes_uploaded: this.#bytes,
      current,
    });
  }

  #summary(): OnceReport {
    const { s } = this;
    for (const name of this.#select()) {
      const row = s.catalog.sources.byName(name);
      if (!row) continue;
      const left = s.catalog.queue.pending(row.id, s.env.now());
      if (row.state === "syncing" && left.due + left.settling === 0) {
        s.catalog.sources.setState(row.id, "scanning", null, s.env.now());
      }
      const state = s.catalog.sources.byId(row.id)?.state ?? row.state;
      const c = s.catalog.sources.counters(row.id);
      this.#report.sources.push({
        name,
        backend: row.backend,
        status: state,
        reason: row.reason && `${row.reason.code}: ${row.reason.message}`,
        items_total: c.total,
        items_synchronized: c.synchronized,
        items_failed: c.failed,
        items_unmapped: c.unmapped,
      });
    }
    this.#report.items = [...this.#touched.values()];
    this.#report.duration_ms = Math.round(s.env.monotonic() - this.#startedAt);
    return this.#report;
  }
}
