/** The fingerprint of an item that is a folder or a file: one digest over the fingerprints of everything in it. */
import { createHash } from "node:crypto";
import type { ExactStat } from "../kit/fingerprint.ts";
import { fingerprintText, statExact } from "../kit/fingerprint.ts";

/** The file that marks a folder as a dataset (D1). */
export const INFO_FILE = "_QH_dataset_info.yaml";

export interface ItemDigest {
  fingerprint: string;
  /** Newest mtime of its files, ms; 0 when it has none. */
  newest_ms: number;
  /** Folders inside that are datasets of their own (D2), relative to the item's folder. */
  nested: string[];
  /** Folders that could not be listed: what is below them is unknown. */
  unreadable: string[];
}

/**
 * Digests a folder without hidden entries (D3), without nested datasets when `nestedDatasets`, with the whole inside
 * of `*.zarr` stores; links count with the fingerprint of their target and are never followed into folders (D4).
 * `wholeStore`: the folder itself is such a store.
 */
export function digestFolder(path: string, nestedDatasets: boolean, wholeStore = false): ItemDigest {
  const hash = createHash("sha1");
  const result: ItemDigest = { fingerprint: "", newest_ms: 0, nested: [], unreadable: [] };
  const add = (relative: string, text: string) => hash.update(`${relative}\0${text}\n`);
  const addFile = (relative: string, stat: ExactStat) => {
    result.newest_ms = Math.max(result.newest_ms, stat.mtime_ms);
    add(relative, fingerprintText(stat));
  };

  const walk = (relative: string, inStore: boolean): void => {
    const entries = listSorted(relative === "" ? path : `${path}/${relative}`);
    if (!entries) {
      result.unreadable.push(relative);
      add(relative, "unreadable");
      return;
    }
    if (
      nestedDatasets && relative !== "" && !inStore && entries.some((e) => e.name === INFO_FILE && e.isFile)
    ) {
      result.nested.push(relative);
      return;
    }
    for (const entry of entries) {
      if (entry.name.startsWith(".") && !inStore) continue;
      const child = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory) walk(child, inStore || entry.name.toLowerCase().endsWith(".zarr"));
      else {
        const stat = quietStat(`${path}/${child}`, entry.isSymlink);
        if (stat?.kind === "file") addFile(child, stat);
        else add(child, stat?.kind ?? "dangling");
      }
    }
  };
  walk("", wholeStore);
  result.fingerprint = hash.digest("hex");
  return result;
}

/** The fingerprint of a single-file item. */
export function digestFile(path: string): ItemDigest {
  const stat = statExact(path, true);
  return { fingerprint: fingerprintText(stat), newest_ms: stat.mtime_ms, nested: [], unreadable: [] };
}

/** Entries by name, so that digests do not depend on the file system's order; undefined when not readable. */
export function listSorted(path: string): Deno.DirEntry[] | undefined {
  try {
    return [...Deno.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  } catch {
    return undefined;
  }
}

function quietStat(path: string, follow: boolean): ExactStat | undefined {
  try {
    return statExact(path, follow);
  } catch {
    return undefined;
  }
}
