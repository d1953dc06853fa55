/** The fingerprint of an item that is a folder or a file: one digest over the fingerprints of everything in it. */
import { createHash } from "node:crypto";
import { type ExactStat, fingerprintText, statExact } from "../kit/fingerprint.ts";
import { SignatureSum } from "./item_signature.ts";
import { type DigestedFiles, finish, type Steps, walkItem } from "./item_walk.ts";

export { INFO_FILE } from "./item_walk.ts";

export interface ItemDigest {
  fingerprint: string;
  /** As the signature of item_signature.ts at the same moment; 0: not to be trusted. */
  signature: number;
  /** Newest mtime of its files, ms; 0 when it has none. */
  newest_ms: number;
  /** Folders inside that are datasets of their own (D2), relative to the item's folder. */
  nested: string[];
  /** Folders that could not be listed: what is below them is unknown. */
  unreadable: string[];
}

/**
 * Digests a folder as {@link walkItem} sees it; links count with the fingerprint of their target.
 * `wholeStore`: the folder itself is a `*.zarr` store.
 */
export function digestFolder(
  path: string,
  nestedDatasets: boolean,
  wholeStore = false,
  fs: DigestedFiles = Deno,
): ItemDigest {
  return finish(digestSteps(path, { nestedDatasets, wholeStore }, 0, fs));
}

/** As {@link digestFolder}, in steps. @param now wall clock at the look, ms */
export function* digestSteps(
  path: string,
  rules: { nestedDatasets: boolean; wholeStore?: boolean },
  now: number,
  fs: DigestedFiles = Deno,
): Steps<ItemDigest> {
  const hash = createHash("sha1");
  const sum = new SignatureSum(now);
  const result: ItemDigest = { fingerprint: "", signature: 0, newest_ms: 0, nested: [], unreadable: [] };
  const add = (relative: string, text: string) => hash.update(`${relative}\0${text}\n`);
  yield* walkItem(fs, path, rules, {
    leaf(relative, leaf, isLink) {
      const stat = quietStat(leaf, isLink, fs);
      const file = stat?.kind === "file" ? stat : null;
      sum.add(relative, file);
      if (file) result.newest_ms = Math.max(result.newest_ms, file.mtime_ms);
      add(relative, file ? fingerprintText(file) : stat?.kind ?? "dangling");
    },
    unreadable(relative) {
      result.unreadable.push(relative);
      add(relative, "unreadable");
    },
    nested: (relative) => result.nested.push(relative),
  });
  result.fingerprint = hash.digest("hex");
  if (result.unreadable.length === 0) result.signature = sum.value;
  return result;
}

/** The fingerprint of a single-file item. Throws the system's error when it is gone. */
export function digestFile(path: string, now = 0, fs: DigestedFiles = Deno): ItemDigest {
  const stat = statExact(path, true, fs);
  const sum = new SignatureSum(now);
  sum.add("", stat);
  return {
    fingerprint: fingerprintText(stat),
    signature: sum.value,
    newest_ms: stat.mtime_ms,
    nested: [],
    unreadable: [],
  };
}

function quietStat(path: string, follow: boolean, fs: DigestedFiles): ExactStat | undefined {
  try {
    return statExact(path, follow, fs);
  } catch {
    return undefined;
  }
}
