/** The state folder: where the agent keeps everything of its own. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { SyncError } from "../kit/errors.ts";

export interface Home {
  root: string;
  catalogPath: string;
  configPath: string;
  lockPath: string;
  /** Private copies and converted files of running items. */
  stagingDir: string;
  hubDir: string;
  pluginsDir: string;
  logsDir: string;
  /** Files in which running measurements can be seen, in a folder for each dataset. */
  liveDir: string;
  /** Passwords and tokens, sealed, and their keys. */
  secretsDir: string;
}

/**
 * Makes the state folder (readable by its user only) and names its parts.
 * @throws SyncError `state_folder_unusable` when it cannot be made
 */
export function openHome(directory: string): Home {
  const root = resolve(directory);
  const home: Home = {
    root,
    catalogPath: join(root, "catalog.db"),
    configPath: join(root, "config.toml"),
    lockPath: join(root, "agent.lock"),
    stagingDir: join(root, "staging"),
    hubDir: join(root, "hub"),
    pluginsDir: join(root, "plugins"),
    logsDir: join(root, "logs"),
    liveDir: join(root, "live"),
    secretsDir: join(root, "secrets"),
  };
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const d of [home.stagingDir, home.hubDir, home.logsDir]) {
      mkdirSync(d, { recursive: true, mode: 0o700 });
    }
  } catch (e) {
    throw new SyncError("local", "state_folder_unusable", `cannot make the state folder ${root}`, {
      cause: e,
      hint: "Give another one with --home or ETIKET_SYNC_HOME, or free the disk.",
      retry: "after-user",
    });
  }
  return home;
}
