/** Which measurement folders are followed while they grow. */
import { basename } from "node:path";
import type { ReadItem } from "../../../src/kit/define_backend.ts";
import type { LiveAnswer, LiveContext } from "../../../src/kit/live.ts";
import { compileShellPattern } from "../../../src/kit/shell_pattern.ts";
import { readDatasetInfo } from "../dataset_info.ts";
import { INFO_FILE, readInfoFile } from "../info_document.ts";
import { FolderSession } from "./folder_session.ts";
import { runningFiles } from "./running_files.ts";

export interface FollowOptions {
  root: string;
  /** Datasets lie inside of datasets, and are marked by their info file. */
  nested: boolean;
  /** All folders of the source are followed, unless their info file says no. */
  live: boolean;
}

/** @throws SyncError `info_file_invalid`, `file_unreadable` */
export function followFolder(item: ReadItem, options: FollowOptions, context: LiveContext): LiveAnswer {
  const folder = item.path;
  const info = readDatasetInfo(readInfoFile(folder, options.root), context.timeZone, () => {});
  if (!(info.live ?? options.live)) {
    return { not_live: `neither the source nor ${INFO_FILE} says live: true` };
  }
  const walk = {
    root: options.root,
    infoFile: INFO_FILE,
    nested: options.nested,
    skip: info.skip.map(compileShellPattern),
    isStore: (name: string) => name.endsWith(".zarr"),
  };
  const running = (resumed = false) => runningFiles(folder, walk, context.now(), resumed);
  const files = running(context.resumed);
  if (files.length === 0) {
    return { not_live: "no HDF5 file is open for SWMR, and no table grew just now" };
  }
  const facts = { name: info.name ?? basename(folder), attrs: info.attributes };
  return { session: new FolderSession(folder, facts, files, running, context.now) };
}
