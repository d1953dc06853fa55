/** Folders of the agent's own, for private copies and converted files. */
import type { FileSystem } from "../../env.ts";
import { stagingError } from "../../transfer/file_errors.ts";

/** @throws SyncError local `disk_full`, `too_many_open_files`, `staging_failed`: never the item's fault (L9) */
export function makeStagingFolder(fs: Pick<FileSystem, "mkdirSync">, path: string): void {
  try {
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (e) {
    throw stagingError(e, path);
  }
}
