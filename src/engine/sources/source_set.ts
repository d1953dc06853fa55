/** The runners of all sources that are on; follows what the user adds, changes, stops and removes. */
import type { SourceRow } from "../../catalog/sources.ts";
import type { SyncError } from "../../kit/errors.ts";
import { readersOf } from "../../readers/tasks.ts";
import type { ReadySource, Services } from "../services.ts";
import { createSourceRunner, type RunnerHooks, type SourceRunner } from "./source_runner.ts";

interface Entry {
  runner: SourceRunner;
  row: SourceRow;
  control: AbortController;
  end: Promise<void>;
}

/** What decides how a source is looked at: when it changes, watchers and readers of the old one are ended. */
const placeOf = (row: SourceRow) => JSON.stringify([row.backend, row.config]);

export class SourceSet {
  readonly #entries = new Map<number, Entry>();

  /** @param onStop told of sources whose work has to be parked */
  constructor(
    private readonly s: Services,
    private readonly hooks: RunnerHooks,
    private readonly onStop: (source: number) => void,
  ) {}

  /** Brings the runners in line with the catalog. @param on false: no source runs */
  reconcile(on: boolean): void {
    const wanted = new Map(
      (on ? this.s.catalog.sources.list() : []).filter((r) => r.state !== "stopped").map((r) => [r.id, r]),
    );
    for (const [id, entry] of this.#entries) {
      const row = wanted.get(id);
      if (row && placeOf(row) === placeOf(entry.row)) entry.row = row;
      else this.#stop(id, entry);
    }
    for (const row of wanted.values()) if (!this.#entries.has(row.id)) this.#start(row);
  }

  /** Sources that can be worked with now, with what the user set last. */
  ready(): Map<number, ReadySource> {
    const ready = new Map<number, ReadySource>();
    for (const [id, { runner, row }] of this.#entries) {
      if (runner.ready) ready.set(id, { ...runner.ready, row });
    }
    return ready;
  }

  watching(id: number): SourceRunner["watching"] {
    return this.#entries.get(id)?.runner.watching ?? null;
  }

  rescan(): void {
    for (const { runner } of this.#entries.values()) runner.rescan();
  }

  failed(id: number, error: SyncError): void {
    this.#entries.get(id)?.runner.failed(error);
  }

  /** Ends all runners. */
  async end(): Promise<void> {
    const ends = [...this.#entries].map(([id, entry]) => (this.#stop(id, entry), entry.end));
    await Promise.all(ends);
  }

  #start(row: SourceRow): void {
    const control = new AbortController();
    const runner = createSourceRunner(
      { ...this.s, readers: readersOf(this.s.readers, row.id) },
      row,
      this.hooks,
    );
    this.#entries.set(row.id, { runner, row, control, end: runner.run(control.signal) });
  }

  #stop(id: number, entry: Entry): void {
    this.#entries.delete(id);
    entry.control.abort(new Error(`source "${entry.row.name}" was stopped or changed`));
    this.onStop(id);
  }
}
