/** The reconciling scan of a folder source: which items exist, and what below the root belongs to none. */
import { statSync } from "node:fs";
import { SyncError } from "../kit/errors.ts";
import { statExact } from "../kit/fingerprint.ts";
import { digestFile, digestFolder, INFO_FILE, type ItemDigest, listSorted } from "./item_digest.ts";

export interface FolderPlan {
  root: string;
  /** -1: folders that hold an info file; n ≥ 1: exactly n levels below the root. */
  level: number;
  single_file: boolean;
  /** Regular expression on the relative path, or null. */
  name_pattern: string | null;
}

export type UnmatchedReason =
  | "no_info_file"
  | "too_shallow"
  | "too_deep"
  | "name_pattern"
  | "wrong_suffix"
  | "hidden"
  | "symlink_directory";

export type ScanEvent =
  /** `path` is the relative name on disk when the identifier (NFC) differs from it. */
  | { kind: "item"; identifier: string; path?: string; fingerprint: string; changed_ms: number }
  | { kind: "unmatched"; path: string; reason: UnmatchedReason }
  /** A folder that could not be listed: what is below it must not be taken for gone. */
  | { kind: "unreadable"; path: string };

/**
 * Walks the source and yields events as it goes, with memory for one path only.
 * @throws SyncError `root_missing`, `root_not_directory` or `root_unreadable` of class source
 */
export function* scanFolder(plan: FolderPlan): Generator<ScanEvent> {
  checkRoot(plan.root);
  if (plan.level === -1) yield* scanMarked(plan, "");
  else yield* scanLevel(plan, "", 0);
}

/** Absolute path of an item from its relative name on disk. */
export function itemPath(plan: FolderPlan, relative: string): string {
  return relative === "." ? plan.root : `${plan.root}/${relative}`;
}

/** Looks at one item again; undefined when it is gone (or lost its info file). */
export function lookAtItem(plan: FolderPlan, relative: string): ItemDigest | undefined {
  const path = itemPath(plan, relative);
  try {
    if (plan.single_file) return digestFile(path);
    if (!statSync(path).isDirectory()) return undefined;
    if (plan.level === -1 && !statSync(`${path}/${INFO_FILE}`).isFile()) return undefined;
  } catch {
    return undefined;
  }
  return digestFolder(path, plan.level === -1);
}

function checkRoot(root: string): void {
  let stat;
  try {
    stat = statSync(root);
  } catch (e) {
    throw new SyncError("source", "root_missing", `${root} cannot be reached`, {
      cause: e,
      hint:
        "Check that the disk or network share is connected; the source goes on by itself when it is back.",
    });
  }
  if (!stat.isDirectory()) {
    throw new SyncError("source", "root_not_directory", `${root} is not a folder`, {
      hint: "Give the folder that holds the measurements: etiket-sync source update NAME --set …",
    });
  }
  if (!listSorted(root)) {
    throw new SyncError("source", "root_unreadable", `${root} may not be listed`, {
      hint: "Give the user that runs etiket-sync the right to read this folder.",
    });
  }
}

function* scanMarked(plan: FolderPlan, relative: string): Generator<ScanEvent> {
  const entries = listSorted(join(plan.root, relative));
  if (!entries) return yield { kind: "unreadable", path: relative };
  if (entries.some((e) => e.name === INFO_FILE && e.isFile)) {
    const digest = digestFolder(join(plan.root, relative), true);
    yield* found(plan, relative === "" ? "." : relative, digest);
    for (const nested of digest.nested) yield* scanMarked(plan, join(relative, nested));
    return;
  }
  for (const entry of entries) {
    const path = join(relative, entry.name);
    if (entry.name.startsWith(".")) yield { kind: "unmatched", path, reason: "hidden" };
    else if (entry.isDirectory) yield* scanMarked(plan, path);
    else yield { kind: "unmatched", path, reason: "no_info_file" };
  }
}

function* scanLevel(plan: FolderPlan, relative: string, depth: number): Generator<ScanEvent> {
  const entries = listSorted(join(plan.root, relative));
  if (!entries) return yield { kind: "unreadable", path: relative };
  const pattern = plan.name_pattern === null ? undefined : new RegExp(plan.name_pattern, "u");
  for (const entry of entries) {
    const path = join(relative, entry.name);
    const atLevel = depth + 1 === plan.level;
    if (entry.name.startsWith(".")) yield { kind: "unmatched", path, reason: "hidden" };
    else if (!atLevel) {
      if (entry.isDirectory) yield* scanLevel(plan, path, depth + 1);
      else yield { kind: "unmatched", path, reason: entry.isSymlink ? "symlink_directory" : "too_shallow" };
    } else if (plan.single_file) {
      if (entry.isDirectory) yield { kind: "unmatched", path, reason: "too_deep" };
      else if (pattern && !pattern.test(path.normalize("NFC"))) {
        yield { kind: "unmatched", path, reason: "name_pattern" };
      } else yield* found(plan, path, digestFile(join(plan.root, path)));
    } else if (!entry.isDirectory) {
      yield { kind: "unmatched", path, reason: entry.isSymlink ? "symlink_directory" : "too_shallow" };
    } else if (pattern && !pattern.test(path.normalize("NFC"))) {
      yield { kind: "unmatched", path, reason: "name_pattern" };
    } else yield* found(plan, path, digestFolder(join(plan.root, path), false));
  }
}

function* found(plan: FolderPlan, relative: string, digest: ItemDigest): Generator<ScanEvent> {
  const name = identifierOf(plan, relative);
  const changed_ms = digest.newest_ms;
  const fingerprint = digest.fingerprint;
  yield name === relative
    ? { kind: "item", identifier: name, fingerprint, changed_ms }
    : { kind: "item", identifier: name, path: relative, fingerprint, changed_ms };
  for (const u of digest.unreadable) yield { kind: "unreadable", path: join(relative, u) };
}

/** NFC, unless another folder already bears that very name: then the two stay apart. */
function identifierOf(plan: FolderPlan, relative: string): string {
  const name = relative.normalize("NFC");
  if (name === relative) return name;
  try {
    return statExact(itemPath(plan, name)).file_id === statExact(itemPath(plan, relative)).file_id
      ? name
      : relative;
  } catch {
    return name;
  }
}

function join(a: string, b: string): string {
  return a === "" || a === "." ? b : b === "" ? a : `${a}/${b}`;
}
