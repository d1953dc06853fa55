/** Starts items while there is room, each in a run of its own; what comes of them goes to the hooks. */
import type { ItemRow } from "../catalog/item_rows.ts";
import { SyncError } from "../kit/errors.ts";
import { readersOf } from "../readers/tasks.ts";
import { RunningActivity } from "./activity.ts";
import type { ItemOutcome } from "./item/file_run.ts";
import { runItem } from "./item/item_run.ts";
import { Lanes } from "./lanes.ts";
import type { ReadySource, Services } from "./services.ts";

/** Items at once (L13). */
const PARALLEL = 2;
/** Items that run longer than this, ms, no longer keep a source from starting its first one (L12). */
const LONG_MS = 500;

export interface SchedulerHooks {
  /** Sources that items may be taken from now, by id. */
  ready(): ReadonlyMap<number, ReadySource>;
  /** Number of the current round, for records. */
  iteration(): number;
  started?(item: ItemRow): void;
  finished(item: ItemRow, outcome: ItemOutcome): void;
  /** The run showed that the source, or the whole agent, cannot work now. */
  broken(item: ItemRow, error: SyncError): void;
  /** Bytes of an item's files that were sent. */
  sent?(item: ItemRow, bytes: number): void;
}

interface Running {
  item: ItemRow;
  startedAt: number;
  control: AbortController;
  activity: RunningActivity;
  end: Promise<void>;
}

export class Scheduler {
  readonly #lanes: Lanes;
  readonly #running = new Map<number, Running>();

  constructor(
    private readonly s: Services,
    private readonly hooks: SchedulerHooks,
    private readonly options: { dryRun?: boolean; parallel?: number } = {},
  ) {
    this.#lanes = new Lanes(s);
  }

  get running(): RunningActivity[] {
    return [...this.#running.values()].map((r) => r.activity);
  }

  get runningIds(): number[] {
    return [...this.#running.keys()];
  }

  /** Sources with an item running. */
  get busy(): Set<number> {
    return new Set([...this.#running.values()].map((r) => r.item.source_id));
  }

  /** When the next start may be possible only because time went by, monotonic ms; null when nothing waits for that. */
  get nextChangeAt(): number | null {
    const parallel = this.options.parallel ?? PARALLEL;
    if (this.#running.size < parallel) return null;
    const at = Math.max(...[...this.#running.values()].map((r) => r.startedAt)) + LONG_MS;
    return at > this.s.env.monotonic() ? at : null;
  }

  /** Starts what may start now. @param except items not to start @returns how many were started */
  pump(except: readonly number[] = []): number {
    for (let started = 0;; started++) {
      const item = this.#next(except);
      const source = item && this.hooks.ready().get(item.source_id);
      if (!item || !source) return started;
      this.#start(item, source);
    }
  }

  /** Resolves when one of the running items has ended; at once when none runs. */
  async oneEnds(): Promise<void> {
    await Promise.race([...this.#running.values()].map((r) => r.end));
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.oneEnds();
  }

  /** Parks the running items of a source, or all: they stay waiting, their uploads can go on later. */
  park(reason: unknown, source?: number): void {
    for (const r of this.#running.values()) {
      if (source === undefined || r.item.source_id === source) r.control.abort(reason);
    }
  }

  #next(except: readonly number[]): ItemRow | undefined {
    const busy = this.busy;
    let sources = [...this.hooks.ready().keys()];
    if (this.#running.size >= (this.options.parallel ?? PARALLEL)) {
      const now = this.s.env.monotonic();
      if ([...this.#running.values()].some((r) => now - r.startedAt < LONG_MS)) return undefined;
      sources = sources.filter((id) => !busy.has(id));
    }
    if (sources.length === 0) return undefined;
    const held = this.s.live?.held() ?? [];
    return this.#lanes.next(sources, busy, [...except, ...held, ...this.#running.keys()]);
  }

  #start(item: ItemRow, source: ReadySource): void {
    const control = new AbortController();
    const activity = new RunningActivity(
      item,
      source.row.name,
      this.s.env,
      (bytes) => this.hooks.sent?.(item, bytes),
    );
    this.hooks.started?.(item);
    const started = { item, startedAt: this.s.env.monotonic(), control, activity };
    let { id } = item;
    // An item that moved here is run in the place of this one: nobody else may start it meanwhile.
    const relocated = (moved: number) => {
      this.#running.delete(id);
      id = moved;
      this.#running.set(id, { ...started, end });
    };
    const end: Promise<void> = this.#run(item, source, control.signal, activity, relocated)
      .finally(() => this.#running.delete(id));
    this.#running.set(id, { ...started, end });
  }

  async #run(
    item: ItemRow,
    source: ReadySource,
    signal: AbortSignal,
    progress: RunningActivity,
    relocated: (moved: number) => void,
  ): Promise<void> {
    // Whose run it is by the end: an item that moved here goes on in the place of this one.
    let current = item;
    try {
      const services = { ...this.s, readers: readersOf(this.s.readers, item.source_id) };
      const outcome = await runItem(services, source, item, {
        iteration: this.hooks.iteration(),
        dryRun: this.options.dryRun ?? false,
        signal,
        progress,
        relocated: (moved) => {
          relocated(moved);
          current = this.s.catalog.items.byId(moved) ?? item;
        },
      });
      this.#lanes.done(item.source_id, outcome.bytes_uploaded);
      this.hooks.finished(item, outcome);
    } catch (e) {
      if (!signal.aborted) this.hooks.broken(current, SyncError.from(e));
    }
  }
}
