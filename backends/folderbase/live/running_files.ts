/** Which files of a measurement folder are being written just now. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type WalkedEntry, walkFolder } from "../../../src/kit/folder_walk.ts";
import { readSignature } from "../../../src/kit/hdf5/signature.ts";

/** A file that did not change for this long is not being written. */
export const QUIET_MS = 120_000;
const MOST_FILES = 64;

export interface RunningFile {
  kind: "swmr" | "table";
  /** Relative to the folder, `/` between its parts. */
  name: string;
  path: string;
}

/**
 * @param resumed the folder was followed a moment ago: a file that was closed since then is read to its end
 * @throws SyncError when the folder can not be read
 */
export function runningFiles(
  folder: string,
  walk: Parameters<typeof walkFolder>[1],
  now: number,
  resumed: boolean,
): RunningFile[] {
  return walkFolder(folder, walk).files
    .filter((file) => now - file.mtime < QUIET_MS)
    .flatMap((file) => {
      const kind = kindOf(file, resumed);
      return kind ? [{ kind, name: file.name, path: file.path }] : [];
    })
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .slice(0, MOST_FILES);
}

function kindOf({ name, path }: WalkedEntry, resumed: boolean): RunningFile["kind"] | undefined {
  if (/\.(csv|txt)$/i.test(name)) return "table";
  if (!/\.(h5|hdf5|nc)$/i.test(name)) return undefined;
  // Beside a file whose structure is not complete yet.
  if (existsSync(`${path}.lock`) || existsSync(join(dirname(path), ".lock"))) return undefined;
  const signature = readSignature(path);
  if (signature.kind !== "hdf5") return undefined;
  return signature.swmr || (resumed && signature.superblock === 3) ? "swmr" : undefined;
}
