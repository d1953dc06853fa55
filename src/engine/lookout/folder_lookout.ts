/**
 * Keeps an eye on a local folder: events tell where to look at once, a full scan tells everything (D5). Without
 * events it is scanned again and again (D7).
 */
import type { FolderWatch } from "../../env.ts";
import { SyncError } from "../../kit/errors.ts";
import { ABSENCE_GRACE_MS, checkSourceRoot, lookAgainForAbsent } from "./absence.ts";
import { DirtyCollection } from "./dirty_collection.ts";
import { discover, discoverPlaces } from "./discover.ts";
import type { Lookout, LookoutHooks } from "./lookout.ts";
import type { FolderSourcePlan, ReadySource, Services } from "../services.ts";
import { Waking } from "../waking.ts";

/** Between full scans while events come, ms (D5). */
const SCAN_EVERY_MS = 900_000;
/** Between full scans without events, ms (D7). */
const POLL_EVERY_MS = 10_000;
/** A full scan without need is not begun before this many times the length of the last one has passed. */
const REST = 10;
const SHORTEST_REST_MS = 500;
/** Longest pause between two looks at places that change all the time, ms. */
const LONGEST_PAUSE_MS = 5000;
/** Between looks at the root, which may be unmounted or replaced without an event, ms. */
const ROOT_EVERY_MS = 60_000;
/** Between second looks at inputs that were absent, ms. */
const AGAIN_EVERY_MS = 5000;
/** Before a watch that ended by itself is set again, ms. */
const REARM_MS = 2000;
/** Between attempts to set a watch that was refused, ms. */
const ARM_EVERY_MS = 300_000;

export class FolderLookout implements Lookout {
  watching: Lookout["watching"] = null;
  #watch: FolderWatch | undefined;
  readonly #waking: Waking;
  readonly #dirty: DirtyCollection;
  #refusalTold = false;

  // Monotonic times, ms.
  /** No look at places before. */
  #pauseUntil = 0;
  #scanAt = -Infinity;
  /** No full scan before. */
  #restUntil = 0;
  #rootAt = -Infinity;
  #armAt = -Infinity;
  /** No second look at absent inputs before. */
  #againAt = -Infinity;

  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly plan: FolderSourcePlan,
    private readonly hooks: LookoutHooks,
  ) {
    this.#waking = new Waking(s.env);
    this.#dirty = new DirtyCollection(s.env, plan);
  }

  async look(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#now >= this.#rootAt) this.#checkRoot();
      if (!this.#watch && this.#now >= this.#armAt) this.#arm();
      if (this.#now >= Math.max(this.#scanAt, this.#restUntil)) return await this.#scan(signal);
      if (this.#now >= this.#placesAt) return await this.#lookAtPlaces(signal);
      if (this.#now >= this.#absentAt()) return await this.#lookAgain(signal);
      const next = Math.min(
        Math.max(this.#scanAt, this.#restUntil),
        this.#placesAt,
        this.#absentAt(),
        this.#rootAt,
        this.#watch ? Infinity : this.#armAt,
      );
      await this.#waking.sleep(next - this.#now, signal);
    }
  }

  rescan(): void {
    this.#restUntil = 0;
    this.#scanSoon();
  }

  close(): void {
    this.#disarm();
  }

  get #now(): number {
    return this.s.env.monotonic();
  }

  get #place() {
    return { row: this.source.row, plan: this.plan };
  }

  get #placesAt(): number {
    return Math.max(this.#pauseUntil, this.#dirty.dueAt);
  }

  #scanSoon(): void {
    this.#scanAt = -Infinity;
    this.#waking.wake();
  }

  /** When inputs that were absent have to be looked at a second time. */
  #absentAt(): number {
    const at = this.s.catalog.intake.firstAbsentAt(this.source.row.id);
    if (at === null) return Infinity;
    return Math.max(this.#againAt, this.#now + at + ABSENCE_GRACE_MS - this.s.env.now());
  }

  async #lookAgain(signal: AbortSignal): Promise<void> {
    this.#againAt = this.#now + AGAIN_EVERY_MS;
    const look = lookAgainForAbsent(this.s, this.#place);
    await discoverPlaces(this.s, this.source, this.plan, { look, gone: [] }, {
      onFound: () => this.hooks.onFound(),
      signal,
    });
  }

  #checkRoot(): void {
    // A watch on a folder that is no longer the root is of no use.
    if (checkSourceRoot(this.s, this.#place) && this.#watch) {
      this.#disarm();
      this.#scanSoon();
    }
    this.#rootAt = this.#now + ROOT_EVERY_MS;
  }

  #arm(): void {
    try {
      const watch: FolderWatch = this.#watch = this.s.env.watch(this.plan.root, {
        onPaths: (paths) => this.#onPaths(paths),
        onLost: () => this.#scanSoon(),
        onEnd: () => {
          if (this.#watch !== watch) return;
          this.#disarm();
          this.#armAt = this.#now + REARM_MS;
          this.#scanSoon();
        },
      });
      this.watching = "events";
      this.#refusalTold = false;
      // What happened before is known to nobody.
      this.#scanAt = -Infinity;
    } catch (e) {
      const error = SyncError.from(e);
      if (error.code !== "watch_failed") throw error;
      this.watching = "polling";
      if (!this.#refusalTold) this.hooks.onNotice(error);
      this.#refusalTold = true;
      this.#armAt = this.#now + ARM_EVERY_MS;
    }
  }

  #disarm(): void {
    const watch = this.#watch;
    this.#watch = undefined;
    this.watching = null;
    this.#armAt = -Infinity;
    watch?.close();
  }

  #onPaths(paths: readonly string[]): void {
    this.s.live?.expect(this.source);
    const before = this.#dirty.dueAt;
    if (!this.#dirty.add(paths)) this.#scanSoon();
    else if (this.#dirty.dueAt < before) this.#waking.wake();
  }

  async #scan(signal: AbortSignal): Promise<void> {
    const started = this.#now;
    // What is told from now on may have been missed by the scan.
    this.#dirty.forget();
    this.#scanAt = Infinity;
    try {
      await discover(this.s, this.source, signal, {
        onFound: () => this.hooks.onFound(),
        between: async () => {
          if (this.#now >= this.#placesAt) await this.#lookAtPlaces(signal);
        },
      });
    } finally {
      const rest = Math.max(SHORTEST_REST_MS, REST * (this.#now - started));
      this.#restUntil = this.#now + rest;
      const every = this.watching === "events" ? SCAN_EVERY_MS : POLL_EVERY_MS;
      // Unless one was asked for meanwhile.
      if (this.#scanAt === Infinity) this.#scanAt = this.#now + Math.max(every, rest);
    }
  }

  async #lookAtPlaces(signal: AbortSignal): Promise<void> {
    const started = this.#now;
    const places = this.#dirty.take();
    if (places.look.includes("") && this.plan.level !== -1) return this.#scanSoon();
    await discoverPlaces(this.s, this.source, this.plan, places, {
      eventAt: this.#dirty.eventAt,
      onFound: () => this.hooks.onFound(),
      signal,
    });
    const pause = Math.min(LONGEST_PAUSE_MS, 3 * (this.#now - started));
    this.#pauseUntil = this.#now + pause;
  }
}
