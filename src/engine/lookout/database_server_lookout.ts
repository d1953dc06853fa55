/** Keeps an eye on a database without files, on a server: it is asked often while something in it changes (B8). */
import { discover } from "./discover.ts";
import type { Lookout, LookoutHooks } from "./lookout.ts";
import type { ReadySource, Services } from "../services.ts";
import { Waking } from "../waking.ts";

/** Between questions while something changes, ms; at rest they get rarer. */
const SHORTEST_MS = 1000;
const LONGEST_MS = 10_000;
const SLOWER = 1.5;
/** Of a slow server no more than this share of time is spent asking. */
const REST = 3;

export class DatabaseServerLookout implements Lookout {
  readonly watching = "polling";
  readonly #waking: Waking;
  #interval = SHORTEST_MS;
  #lookAt = -Infinity;

  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly hooks: Pick<LookoutHooks, "onFound">,
  ) {
    this.#waking = new Waking(s.env);
  }

  async look(signal: AbortSignal): Promise<void> {
    const { env } = this.s;
    while (env.monotonic() < this.#lookAt) {
      await this.#waking.sleep(this.#lookAt - env.monotonic(), signal);
    }
    const started = env.monotonic();
    const before = this.#known();
    let found = false;
    try {
      await discover(this.s, this.source, signal, {
        onFound: () => {
          found = true;
          this.hooks.onFound();
        },
      });
    } finally {
      // What a backend remembers may change without an item to look at: a measurement that has just moved on.
      const isMoving = found || this.#known() !== before;
      this.#interval = isMoving ? SHORTEST_MS : Math.min(LONGEST_MS, this.#interval * SLOWER);
      // Also when it failed, for want of a platform perhaps: the next look is not to follow at once.
      const ended = env.monotonic();
      this.#lookAt = ended + Math.max(this.#interval, REST * (ended - started));
    }
  }

  rescan(): void {
    this.#interval = SHORTEST_MS;
    this.#lookAt = -Infinity;
    this.#waking.wake();
  }

  close(): void {}

  #known(): string {
    return JSON.stringify(this.source.row.cursor) ?? "";
  }
}
