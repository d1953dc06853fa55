/** One source of a serving agent: looked at, watched, looked at again; probes itself when it fails (L15). */
import { reasonOf } from "../../catalog/reason.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import { createLookout } from "../lookout/create_lookout.ts";
import type { Lookout } from "../lookout/lookout.ts";
import { resolveSource } from "./resolve_source.ts";
import type { ReadySource, Services } from "../services.ts";
import { Waking } from "../waking.ts";

export interface RunnerHooks {
  /** Items may have become due, or their source got ready or failed. */
  onChange(): void;
  /** What keeps the whole agent from working: disk full, catalog damaged, no connection. */
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

/** Waits before the source is tried again, ms; the last one from then on. */
const PROBES_MS = [5000, 15_000, 60_000, 300_000];
/** A source that worked this long is tried again as if it had never failed, ms. */
const WELL_MS = 60_000;

export function createSourceRunner(s: Services, row: SourceRow, hooks: RunnerHooks): SourceRunner {
  return new Runner(s, row, hooks);
}

class Runner implements SourceRunner {
  ready: ReadySource | undefined;
  #lookout: Lookout | undefined;
  /** Ends the present attempt to work. */
  #attempt = new AbortController();
  readonly #waking: Waking;
  #failures = 0;
  #workingSince = 0;

  constructor(private readonly s: Services, readonly row: SourceRow, private readonly hooks: RunnerHooks) {
    this.#waking = new Waking(s.env);
  }

  get watching(): SourceRunner["watching"] {
    return this.#lookout?.watching ?? null;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#attempt = new AbortController();
        await this.#work(AbortSignal.any([signal, this.#attempt.signal]));
      } catch (e) {
        if (signal.aborted) break;
        const wait = this.#hindered(SyncError.from(e));
        this.hooks.onChange();
        await this.#waking.sleep(wait, signal).catch(() => {});
      }
    }
    this.ready = undefined;
  }

  rescan(): void {
    this.#lookout?.rescan();
    this.#waking.wake();
  }

  failed(error: SyncError): void {
    if (!this.ready) return;
    this.ready = undefined;
    this.#attempt.abort(error);
  }

  /** Looks at the source for as long as it can be looked at. Throws why it cannot, or the signal's reason. */
  async #work(signal: AbortSignal): Promise<void> {
    const source = await resolveSource(this.s, this.row);
    signal.throwIfAborted();
    const lookout = this.#lookout = createLookout(this.s, source, {
      onFound: () => this.hooks.onChange(),
      onNotice: (error) => this.#note(error),
    });
    try {
      // What is known, or found early, need not wait until everything was looked at.
      const first = lookout.look(signal);
      this.ready = source;
      await this.#looked(first);
      this.#workingSince = this.s.env.monotonic();
      for (;;) {
        this.ready = source;
        this.hooks.onChange();
        this.#refresh();
        await this.#looked(lookout.look(signal));
      }
    } finally {
      this.#lookout = undefined;
      this.ready = undefined;
      lookout.close();
    }
  }

  /** What the user may change without the source being looked at anew from its beginning. */
  #refresh(): void {
    const { default_scope, autoassign } = this.s.catalog.sources.byId(this.row.id) ?? this.row;
    Object.assign(this.row, { default_scope, autoassign });
  }

  /** A platform that cannot be asked for scopes does not keep a source from being looked at. */
  async #looked(look: Promise<void>): Promise<void> {
    try {
      await look;
    } catch (e) {
      if (!(e instanceof SyncError) || (e.class !== "network" && e.class !== "auth")) throw e;
      this.hooks.onAgentError(e);
    }
  }

  /** @returns how long to wait before the next attempt, ms */
  #hindered(error: SyncError): number {
    const worked = this.s.env.monotonic() - this.#workingSince;
    if (this.#workingSince !== 0 && worked >= WELL_MS) this.#failures = 0;
    this.#workingSince = 0;
    const wait = PROBES_MS[Math.min(this.#failures++, PROBES_MS.length - 1)] ?? WELL_MS;
    if (error.class === "local") this.hooks.onAgentError(error);
    else {
      this.#note(error);
      try {
        const reason = reasonOf(error.toData());
        this.s.catalog.sources.setState(this.row.id, "error", reason, this.s.env.now());
      } catch (e) {
        this.hooks.onAgentError(SyncError.from(e));
      }
    }
    return wait;
  }

  #note(error: SyncError): void {
    try {
      this.s.catalog.errors.add(this.row.id, error.toData(), this.hooks.iteration(), this.s.env.now());
    } catch (e) {
      this.hooks.onAgentError(SyncError.from(e));
    }
  }
}
