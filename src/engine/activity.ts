/** What runs now and how fast: for the terminal, the API and nobody's decisions. */
import type { ItemRow } from "../catalog/item_rows.ts";
import type { Env } from "../env.ts";
import { isoFromMs } from "../kit/time.ts";
import type { ItemProgress } from "./item/progress.ts";
import type { RunningItem } from "./views.ts";

/** Speeds are means over this time, ms. */
const WINDOW = 5000;
/** A sample is kept at most this often, ms. */
const SAMPLE_EVERY = 250;

/** Bytes per second over the last seconds. */
export class Speed {
  #total = 0;
  readonly #samples: { at: number; total: number }[] = [];

  constructor(private readonly now: () => number) {}

  get total(): number {
    return this.#total;
  }

  add(bytes: number): void {
    this.#total += bytes;
    const at = this.now();
    if (at - (this.#samples.at(-1)?.at ?? -Infinity) >= SAMPLE_EVERY) {
      this.#samples.push({ at, total: this.#total });
    }
    this.#forget(at);
  }

  get perSecond(): number {
    const now = this.now();
    this.#forget(now);
    const first = this.#samples[0];
    if (!first || now - first.at > 2 * WINDOW) return 0;
    const seconds = Math.max(now - first.at, SAMPLE_EVERY) / 1000;
    return Math.round((this.#total - first.total) / seconds);
  }

  /** Also while nobody asks: samples of months must not pile up. */
  #forget(now: number): void {
    while ((this.#samples[1]?.at ?? Infinity) <= now - WINDOW) this.#samples.shift();
  }
}

interface SentFile {
  size: number;
  sent: number;
}

/** One running item. */
export class RunningActivity implements ItemProgress {
  readonly speed: Speed;
  readonly #files = new Map<string, SentFile>();
  readonly #started: number;
  #step = "waiting";
  #done = 0;

  constructor(
    private readonly item: ItemRow,
    private readonly source: string,
    private readonly env: Pick<Env, "now" | "monotonic">,
    private readonly onBytes: (bytes: number) => void,
  ) {
    this.#started = env.now();
    this.speed = new Speed(() => env.monotonic());
  }

  reading(): void {
    this.#step = "reading";
  }

  checking(filename: string, read: number | null, size: number): void {
    const name = `reading ${filename}`;
    if (read === null) this.#files.delete(name);
    else this.#files.set(name, { size, sent: read });
  }

  sending(name: string, size: number): void {
    this.#step = name;
    this.#files.set(name, { size, sent: 0 });
  }

  sent(name: string, bytes: number): void {
    const file = this.#files.get(name);
    if (!file) return;
    // A new attempt starts at 0 again.
    const more = bytes >= file.sent ? bytes - file.sent : bytes;
    file.sent = bytes;
    this.speed.add(more);
    this.onBytes(more);
  }

  done(name: string): void {
    if (this.#files.delete(name)) this.#done++;
  }

  view(): RunningItem {
    // Of several files the largest is the one to wait for; of equal ones the newest, which may be read before it is sent.
    const [name, file] = [...this.#files].reverse().sort(([, a], [, b]) => b.size - a.size)[0] ??
      [this.#step, undefined];
    const speed = this.speed.perSecond;
    return {
      id: this.item.id,
      source: this.source,
      dataIdentifier: this.item.identifier,
      datasetUUID: this.item.dataset_uuid,
      started: isoFromMs(this.#started),
      step: name,
      files_done: this.#done,
      bytes_done: file?.sent ?? 0,
      bytes_total: file?.size ?? null,
      speed,
      eta: file && speed > 0 ? Math.ceil((file.size - file.sent) / speed) : null,
    };
  }
}
