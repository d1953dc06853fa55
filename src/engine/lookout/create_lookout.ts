/** The kind of lookout that a source needs. */
import { silentFileSystem } from "../../discovery/file_system_type.ts";
import { SyncError } from "../../kit/errors.ts";
import { DatabaseLookout } from "./database_lookout.ts";
import { DatabaseServerLookout } from "./database_server_lookout.ts";
import { FolderLookout } from "./folder_lookout.ts";
import type { Lookout, LookoutHooks } from "./lookout.ts";
import { ServerFolderLookout } from "./server_folder_lookout.ts";
import type { ReadySource, Services } from "../services.ts";

export function createLookout(s: Services, source: ReadySource, hooks: LookoutHooks): Lookout {
  const { plan, row } = source;
  if (plan.kind === "database") {
    return plan.watch_paths.length > 0
      ? new DatabaseLookout(s, source, plan.watch_paths, hooks)
      : new DatabaseServerLookout(s, source, hooks);
  }
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
