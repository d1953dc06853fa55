/**
 * Keeps an eye on a local folder: events tell where to look at once, a full scan tells everything (D5). Without
 * events it is scanned again and again (D7).
 */
import { type DirtyPlaces, dirtyPlaces } from "../discovery/dirty_paths.ts";
import { itemPath } from "../discovery/folder_scan.ts";
import type { FolderWatch } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { ABSENCE_GRACE_MS, checkSourceRoot, lookAgainForAbsent } from "./absence.ts";
import { discover, discoverPlaces } from "./discover.ts";
import type { FolderSourcePlan } from "./folder_intake.ts";
import type { Lookout, LookoutHooks } from "./lookout.ts";
import type { ReadySource, Services } from "./services.ts";
import { Waking } from "./waking.ts";

/** Between full scans while events come, ms (D5). */
const SCAN_EVERY_MS = 900_000;
/** Between full scans without events, ms (D7). */
const POLL_EVERY_MS = 10_000;
/** A full scan without need is not begun before this many times the length of the last one has passed. */
const REST = 10;
const SHORTEST_REST_MS = 500;
/** Events are collected this long, ms. */
const COLLECT_MS = 50;
/** Longest pause between two looks at places that change all the time, ms. */
const LONGEST_PAUSE_MS = 5000;
/** A watch is set on a new folder only after it was made: what is made in it at once is found by looking again, ms. */
const LOOK_AGAIN_MS = 2000;
/** Paths that are mapped to places at once. */
const PATHS_AT_ONCE = 1000;
/** With more paths waiting than this a full scan is cheaper. */
const PATHS_MOST = 50_000;
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
  /** Absolute paths at which something happened. */
  readonly #dirty = new Set<string>();
  /** Wall clock of the last event. */
  #eventAt = 0;
  /** New folders, with when to look at them again. */
  readonly #fresh = new Map<string, number>();
  #refusalTold = false;

  // Monotonic times, ms.
  #dirtyAt = Infinity;
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
    return Math.max(this.#pauseUntil, Math.min(this.#dirtyAt, ...this.#fresh.values()));
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
    for (const path of paths) this.#dirty.add(path);
    this.#eventAt = this.s.env.now();
    if (this.#dirty.size > PATHS_MOST) {
      this.#dirty.clear();
      this.#dirtyAt = Infinity;
      this.#scanSoon();
    } else if (this.#dirtyAt === Infinity) {
      this.#dirtyAt = this.#now + COLLECT_MS;
      this.#waking.wake();
    }
  }

  async #scan(signal: AbortSignal): Promise<void> {
    const started = this.#now;
    // What is told from now on may have been missed by the scan.
    this.#dirty.clear();
    this.#dirtyAt = Infinity;
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
    const places = this.#takePlaces();
    if (places.look.includes("") && this.plan.level !== -1) return this.#scanSoon();
    await discoverPlaces(this.s, this.source, this.plan, places, {
      eventAt: this.#eventAt,
      onFound: () => this.hooks.onFound(),
      signal,
    });
    const pause = Math.min(LONGEST_PAUSE_MS, 3 * (this.#now - started));
    this.#pauseUntil = this.#now + pause;
  }

  #takePlaces(): DirtyPlaces {
    const again: string[] = [];
    for (const [place, at] of this.#fresh) {
      if (at > this.#now) continue;
      this.#fresh.delete(place);
      again.push(itemPath(this.plan, place));
    }
    const paths: string[] = [];
    for (const path of this.#dirty) {
      if (paths.length >= PATHS_AT_ONCE) break;
      paths.push(path);
      this.#dirty.delete(path);
    }
    this.#dirtyAt = this.#dirty.size > 0 ? -Infinity : Infinity;
    const { fs } = this.s.env;
    const places = dirtyPlaces(this.plan, paths, fs);
    for (const place of places.fresh) this.#fresh.set(place, this.#now + LOOK_AGAIN_MS);
    const { look } = dirtyPlaces(this.plan, again, fs);
    return { ...places, look: [...new Set([...places.look, ...look])] };
  }
}
