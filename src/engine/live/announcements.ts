/** Makes the datasets of what is being measured on the platform, as soon as it can be reached (E2). */
import type { ItemRow } from "../../catalog/item_rows.ts";
import { SyncError } from "../../kit/errors.ts";
import { readersOf } from "../../readers/tasks.ts";
import { announceItem } from "../item/item_run.ts";
import type { ReadySource, Services } from "../services.ts";

export interface AnnouncementHooks {
  /** An attempt is over. */
  onChange(): void;
  iteration(): number;
  /** The dataset of an item is another one than its session says. */
  renamed(item: number): void;
}

interface Announcement {
  /** No attempt before, monotonic ms. */
  at: number;
  attempts: number;
  control: AbortController;
}

/** Pauses between attempts, ms; the last one from then on. */
const PAUSES_MS = [1000, 2000, 5000, 15_000, 60_000];
/** Attempts at once. */
const PARALLEL = 2;

export class Announcements {
  readonly #waiting = new Map<number, Announcement>();
  /** By item. */
  readonly #jobs = new Map<number, Promise<void>>();

  constructor(private readonly s: Services, private readonly hooks: AnnouncementHooks) {}

  /** @param item id of an item that is followed */
  add(item: number): void {
    if (this.#waiting.has(item)) return;
    this.#waiting.set(item, { at: 0, attempts: 0, control: new AbortController() });
  }

  /** @param atOnce an attempt is broken off; else it may end, which costs less than to do it again */
  remove(item: number, atOnce: boolean): void {
    if (atOnce) this.#waiting.get(item)?.control.abort(new Error("it is followed no more"));
    this.#waiting.delete(item);
  }

  /** Items whose metadata is on its way: their normal run has to wait. */
  get busy(): Iterable<number> {
    return this.#jobs.keys();
  }

  /** Starts what is due. @param connected the platform can be reached, as far as is known */
  attend(ready: ReadonlyMap<number, ReadySource>, connected: boolean): void {
    if (!connected) return;
    const now = this.s.env.monotonic();
    for (const [id, announcement] of this.#waiting) {
      if (this.#jobs.size >= PARALLEL) return;
      if (this.#jobs.has(id) || announcement.at > now) continue;
      const item = this.s.catalog.items.byId(id);
      const source = item && ready.get(item.source_id);
      // One that is parked may be in its normal run.
      if (!source || item.state === "running") continue;
      const job = this.#announce(source, item, announcement).finally(() => {
        this.#jobs.delete(id);
        this.hooks.onChange();
      });
      this.#jobs.set(id, job);
    }
  }

  /** Resolves when nothing runs any more. */
  async end(): Promise<void> {
    for (const id of [...this.#waiting.keys()]) this.remove(id, true);
    await Promise.all(this.#jobs.values());
  }

  async #announce(source: ReadySource, item: ItemRow, announcement: Announcement): Promise<void> {
    const { s } = this;
    const { id } = item;
    try {
      // Of its own: bulk work of the same source does not keep it waiting.
      const services = { ...s, readers: readersOf(s.readers, -item.source_id) };
      const done = await announceItem(services, source, item, {
        iteration: this.hooks.iteration(),
        signal: announcement.control.signal,
      });
      if ("uuid" in done) {
        const isFollowed = this.#waiting.get(id) === announcement;
        if (isFollowed) this.#waiting.delete(id);
        if (isFollowed && done.uuid !== item.dataset_uuid) this.hooks.renamed(id);
        return;
      }
    } catch (e) {
      const error = SyncError.from(e);
      if (!announcement.control.signal.aborted) {
        s.logOnce(
          `live: the dataset of "${item.identifier}" cannot be made yet: ${error.code}: ${error.message}`,
        );
      }
    }
    const pause = PAUSES_MS[Math.min(announcement.attempts++, PAUSES_MS.length - 1)] ?? 0;
    announcement.at = s.env.monotonic() + pause;
  }
}
