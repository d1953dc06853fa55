/** Keeps an eye on a database: its files are looked at often, and read when they have changed (B8). */
import { discover } from "./discover.ts";
import type { Lookout, LookoutHooks } from "./lookout.ts";
import type { ReadySource, Services } from "../services.ts";
import { Waking, withTimer } from "../waking.ts";

/** Between looks at the files while they change, ms; at rest looks get rarer. */
const SHORTEST_MS = 200;
const LONGEST_MS = 1000;
/** It is read at least this often, also when its files seem unchanged, ms. */
const READ_EVERY_MS = 60_000;
/** Files that do not answer: their disk or share hangs, ms. */
const PATIENCE_MS = 10_000;
/** Of a busy database no more than this share of time is spent reading. */
const REST = 3;

export class DatabaseLookout implements Lookout {
  watching: Lookout["watching"] = "polling";
  readonly #waking: Waking;
  #state: string | undefined;
  #interval = SHORTEST_MS;
  #readAt = -Infinity;
  #restUntil = 0;

  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly paths: readonly string[],
    private readonly hooks: Pick<LookoutHooks, "onFound">,
  ) {
    this.#waking = new Waking(s.env);
  }

  async look(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { env } = this.s;
      // Looked at before it is read: what changes meanwhile is seen next time.
      const state = await this.#filesNow(signal);
      const due = state !== this.#state || env.monotonic() >= this.#readAt;
      if (due && env.monotonic() >= this.#restUntil) {
        if (state !== this.#state && this.#state !== undefined) this.s.live?.expect(this.source);
        this.#interval = state === this.#state ? this.#interval : SHORTEST_MS;
        this.#state = state;
        const started = env.monotonic();
        try {
          await discover(this.s, this.source, signal, { onFound: () => this.hooks.onFound() });
        } finally {
          // Also when it failed, for want of a platform perhaps: the next look is not to follow at once.
          const ended = env.monotonic();
          this.#readAt = ended + READ_EVERY_MS;
          this.#restUntil = ended + REST * (ended - started);
        }
        return;
      }
      await this.#waking.sleep(this.#interval, signal);
      this.#interval = Math.min(LONGEST_MS, this.#interval * 1.05);
    }
  }

  rescan(): void {
    this.#readAt = -Infinity;
    this.#waking.wake();
  }

  close(): void {}

  /** Sizes and times of the files and of SQLite's companions, in which changes appear first. */
  async #filesNow(signal: AbortSignal): Promise<string> {
    const { env } = this.s;
    const states = Promise.all(
      this.paths.flatMap((p) => [p, `${p}-wal`, `${p}-journal`]).map(async (path) => {
        try {
          const { size, mtime, ino } = await env.fs.stat(path);
          return `${size} ${mtime?.getTime()} ${ino}`;
        } catch {
          return "absent";
        }
      }),
    );
    // A file that does not answer is read all the same: reading tells what is the matter.
    return await withTimer(
      env,
      PATIENCE_MS,
      signal,
      (timer) => Promise.race([states.then((s) => s.join()), timer.then(() => `silent ${env.monotonic()}`)]),
    );
  }
}
