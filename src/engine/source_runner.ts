/** One source of a serving agent: looked at, watched, looked at again; probes itself when it fails (L15). */
import type { SourceRow } from "../catalog/sources.ts";
import { reasonOf } from "../catalog/reason.ts";
import type { FolderWatch } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { discover } from "./discover.ts";
import { resolveSource } from "./resolve_source.ts";
import type { ReadySource, Services } from "./services.ts";

export interface RunnerHooks {
  /** Items may have become due, or their source got ready or failed. */
  onChange(): void;
  /** What keeps the whole agent from working: disk full, catalog damaged. */
  onAgentError(error: SyncError): void;
  /** Number of the current round, for error entries. */
  iteration(): number;
}

export interface SourceRunner {
  readonly row: SourceRow;
  /** The checked source while it can be worked with. */
  readonly ready: ReadySource | undefined;
  readonly watching: "events" | "polling" | null;
  /** Works until the signal ends it; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Looks at everything again soon: after sleep, or because the user wants it. */
  rescan(): void;
  /** An item's run showed that the source cannot be reached. */
  failed(error: SyncError): void;
}

const INTERVAL_MS = 900_000;
const DEBOUNCE_MS = 100;
const PROBES_MS = [5000, 15_000, 60_000, 300_000];

export function createSourceRunner(s: Services, row: SourceRow, hooks: RunnerHooks): SourceRunner {
  return new Runner(s, row, hooks);
}

class Runner implements SourceRunner {
  ready: ReadySource | undefined;
  watching: SourceRunner["watching"] = null;
  #wake = Promise.withResolvers<void>();
  #failures = 0;

  constructor(private readonly s: Services, readonly row: SourceRow, private readonly hooks: RunnerHooks) {}

  async run(signal: AbortSignal): Promise<void> {
    const { s, row } = this;
    signal.addEventListener("abort", () => this.rescan(), { once: true });
    let watch: FolderWatch | undefined;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      let wait = INTERVAL_MS;
      try {
        const source = this.ready ?? await resolveSource(s, row);
        const folder = source.plan.kind === "folder" ? source.plan.root : undefined;
        if (folder !== undefined && !watch) {
          watch = s.env.watch(folder, {
            onPaths: () => void s.env.sleep(DEBOUNCE_MS).then(() => this.rescan()),
            onLost: () => this.rescan(),
            onEnd: () => this.watching = null,
          });
          this.watching = "events";
        } else if (folder === undefined) wait = 1000;
        await discover(s, source, signal);
        this.ready = source;
        this.#failures = 0;
      } catch (e) {
        if (signal.aborted) break;
        this.failed(SyncError.from(e));
        wait = PROBES_MS[Math.min(this.#failures++, PROBES_MS.length - 1)] ?? INTERVAL_MS;
      }
      this.hooks.onChange();
      const timer = new AbortController();
      await Promise.race([this.#wake.promise, s.env.sleep(wait, timer.signal).catch(() => {})]);
      timer.abort();
    }
    watch?.close();
  }

  rescan(): void {
    this.#wake.resolve();
  }

  failed(error: SyncError): void {
    this.ready = undefined;
    if (error.class === "local") return this.hooks.onAgentError(error);
    this.s.catalog.errors.add(this.row.id, error.toData(), this.hooks.iteration(), this.s.env.now());
    this.s.catalog.sources.setState(this.row.id, "error", reasonOf(error.toData()), this.s.env.now());
  }
}
