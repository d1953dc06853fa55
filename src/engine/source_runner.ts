/** One source of a serving agent: looked at, watched, looked at again; probes itself when it fails (L15). */
import type { SourceRow } from "../catalog/sources.ts";
import type { SyncError } from "../kit/errors.ts";
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

export type { Services };
