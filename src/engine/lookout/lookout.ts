/** How a source is kept an eye on; one kind for each kind of place. */
import type { SyncError } from "../../kit/errors.ts";

export interface Lookout {
  readonly watching: "events" | "polling" | null;
  /**
   * Waits for a reason to look, the first time for none, and looks.
   * @throws SyncError of class source when the source cannot be looked at; the signal's reason when it fires
   */
  look(signal: AbortSignal): Promise<void>;
  /** The next look is at everything, and soon. */
  rescan(): void;
  close(): void;
}

export interface LookoutHooks {
  /** Something new or changed is in the catalog. */
  onFound(): void;
  /** What the user should know and does not keep the source from working. */
  onNotice(error: SyncError): void;
}
