/** Which entries of an item's folder belong to it: the one walk behind digests and signatures. */
import type { FileSystem } from "../env.ts";
import { outOfHandles } from "../kit/file_failures.ts";

/** The file that marks a folder as a dataset (D1). */
export const INFO_FILE = "_QH_dataset_info.yaml";

/** Leaves between two pauses of a walk: some ms. */
const PAUSE_EVERY = 200;

/** What a digest reads; folders of a share are read ahead into one of these. */
export type DigestedFiles = Pick<FileSystem, "readDirSync" | "statExact">;

export interface WalkRules {
  /** Folders inside that are datasets of their own are left out. */
  nestedDatasets: boolean;
  /** The folder itself is a `*.zarr` store: hidden entries belong to it. */
  wholeStore?: boolean;
}

export interface Visitor {
  /** A file, a link, or anything else that is no folder. `relative` to the item. */
  leaf(relative: string, path: string, isLink: boolean): void;
  /** A folder that cannot be listed: what is in it is unknown. */
  unreadable(relative: string): void;
  /** The folder of a nested dataset. */
  nested(relative: string): void;
}

/** Steps of a long piece of work; it may be put aside at each yield. */
export type Steps<T> = Generator<void, T>;

/**
 * Visits an item's entries by name, without hidden ones (D3) but with the whole inside of `*.zarr` stores; links are
 * leaves (D4).
 */
export function* walkItem(
  fs: Pick<FileSystem, "readDirSync">,
  path: string,
  rules: WalkRules,
  visitor: Visitor,
): Steps<void> {
  let leaves = 0;
  yield* walk("", rules.wholeStore ?? false);

  function* walk(relative: string, inStore: boolean): Steps<void> {
    const folder = relative === "" ? path : `${path}/${relative}`;
    const entries = listSorted(folder, fs);
    if (!entries) return visitor.unreadable(relative);
    if (rules.nestedDatasets && relative !== "" && !inStore && isMarked(entries)) {
      return visitor.nested(relative);
    }
    for (const entry of entries) {
      if (entry.name.startsWith(".") && !inStore) continue;
      const child = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory) {
        yield* walk(child, inStore || entry.name.toLowerCase().endsWith(".zarr"));
        yield;
      } else {
        visitor.leaf(child, `${path}/${child}`, entry.isSymlink);
        if (++leaves % PAUSE_EVERY === 0) yield;
      }
    }
  }
}

/** Whether a folder with these entries is a dataset (D1). */
export function isMarked(entries: readonly Deno.DirEntry[]): boolean {
  return entries.some((e) => e.name === INFO_FILE && e.isFile);
}

/**
 * Entries by name, so that nothing depends on the file system's order; undefined when not readable.
 * @throws SyncError local `too_many_open_files`
 */
export function listSorted(
  path: string,
  fs: Pick<FileSystem, "readDirSync"> = Deno,
): Deno.DirEntry[] | undefined {
  try {
    return [...fs.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  } catch (e) {
    const scarce = outOfHandles(e, path);
    if (scarce) throw scarce;
    return undefined;
  }
}

/** Does all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
