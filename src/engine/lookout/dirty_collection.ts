/** Paths at which something happened, until the places they belong to are looked at; O(1) for each event (D6). */
import { type DirtyPlaces, dirtyPlaces } from "../../discovery/dirty_paths.ts";
import { itemPath } from "../../discovery/folder_scan.ts";
import type { Env } from "../../env.ts";
import type { FolderSourcePlan } from "../services.ts";

/** Events are collected this long, ms. */
const COLLECT_MS = 50;
/** A watch is set on a new folder only after it was made: what is made in it at once is found by looking again, ms. */
const LOOK_AGAIN_MS = 2000;
/** Paths that are mapped to places at once. */
const PATHS_AT_ONCE = 1000;
/** With more paths, or new folders, than this a full scan is cheaper. */
const PATHS_MOST = 50_000;

export class DirtyCollection {
  /** Absolute paths. */
  readonly #paths = new Set<string>();
  /** New folders, and when to look at them again, the earliest first. */
  readonly #fresh = new Map<string, number>();
  #pathsAt = Infinity;
  /** Wall clock of the last event, ms. */
  eventAt = 0;

  constructor(private readonly env: Env, private readonly plan: FolderSourcePlan) {}

  /** When there is something to {@link take}, monotonic ms; Infinity when there is nothing. */
  get dueAt(): number {
    return Math.min(this.#pathsAt, this.#fresh.values().next().value ?? Infinity);
  }

  /** @returns false when there are too many: everything was forgotten, and only a full scan helps */
  add(paths: readonly string[]): boolean {
    for (const path of paths) this.#paths.add(path);
    this.eventAt = this.env.now();
    if (this.#paths.size > PATHS_MOST || this.#fresh.size > PATHS_MOST) {
      this.forget();
      return false;
    }
    if (this.#pathsAt === Infinity) this.#pathsAt = this.env.monotonic() + COLLECT_MS;
    return true;
  }

  /** Forgets what a full scan that begins now will see. New folders are still looked at again. */
  forget(): void {
    this.#paths.clear();
    this.#pathsAt = Infinity;
    if (this.#fresh.size > PATHS_MOST) this.#fresh.clear();
  }

  /** The places to be looked at now. */
  take(): DirtyPlaces {
    const now = this.env.monotonic();
    const again: string[] = [];
    for (const [place, at] of this.#fresh) {
      if (at > now || again.length >= PATHS_AT_ONCE) break;
      this.#fresh.delete(place);
      again.push(itemPath(this.plan, place));
    }
    const paths: string[] = [];
    for (const path of this.#paths) {
      if (paths.length >= PATHS_AT_ONCE) break;
      paths.push(path);
      this.#paths.delete(path);
    }
    this.#pathsAt = this.#paths.size > 0 ? now : Infinity;
    const { fs } = this.env;
    const places = dirtyPlaces(this.plan, paths, fs);
    for (const place of places.fresh) {
      this.#fresh.delete(place);
      this.#fresh.set(place, now + LOOK_AGAIN_MS);
    }
    const { look } = dirtyPlaces(this.plan, again, fs);
    return { ...places, look: [...new Set([...places.look, ...look])] };
  }
}
