/** How a source is kept an eye on; one kind for each kind of place. */
import { silentFileSystem } from "../discovery/file_system_type.ts";
import { SyncError } from "../kit/errors.ts";
import { DatabaseLookout } from "./database_lookout.ts";
import { FolderLookout } from "./folder_lookout.ts";
import { ServerFolderLookout } from "./server_folder_lookout.ts";
import type { ReadySource, Services } from "./services.ts";

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

export function createLookout(s: Services, source: ReadySource, hooks: LookoutHooks): Lookout {
  const { plan, row } = source;
  if (plan.kind === "database") return new DatabaseLookout(s, source, plan.watch_paths, hooks);
  if (plan.server_folder) return new ServerFolderLookout(s, source, plan, hooks);
  const type = silentFileSystem(plan.root, s.env.fs);
  if (type === undefined) return new FolderLookout(s, source, plan, hooks);
  hooks.onNotice(
    new SyncError("source", "watch_failed", `${plan.root} is on ${type}, which tells of no changes`, {
      hint:
        `It is looked at every few seconds instead. Mark "${row.name}" as a server folder when it is one.`,
    }),
  );
  return new ServerFolderLookout(s, source, plan, hooks);
}
