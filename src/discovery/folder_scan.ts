/** The reconciling scan of a folder source: which items exist, and what below the root belongs to none. */
import type { FileSystem } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { statExact } from "../kit/fingerprint.ts";
import { digestFile, digestSteps, type ItemDigest } from "./item_digest.ts";
import { finish, INFO_FILE, listSorted, type Steps } from "./item_walk.ts";

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

/** An item that was found as it was before. */
export interface KnownItem {
  /** Its id in the catalog. */
  known: number;
  nested: string[];
  unreadable: string[];
}

/** Looks at the item with this relative name on disk: as far as needed to tell that it is as before, or at all of it. */
export type Examine = (relative: string) => Steps<ItemDigest | KnownItem>;

export type ScanEvent =
  | { kind: "known"; id: number }
  /** `path` is the relative name on disk when the identifier (NFC) differs from it. */
  | {
    kind: "item";
    identifier: string;
    path?: string;
    fingerprint: string;
    signature: number;
    changed_ms: number;
  }
  | { kind: "unmatched"; path: string; reason: UnmatchedReason }
  /** A folder that could not be listed: what is below it must not be taken for gone. */
  | { kind: "unreadable"; path: string }
  /** Nothing new; a long scan gives others their turn here. */
  | { kind: "pause" };

export interface ScanOptions {
  fs?: FileSystem;
  /** Without it each item is digested. */
  examine?: Examine;
}

/**
 * Walks the source and yields events as it goes, with memory for one path only.
 * @throws SyncError `root_missing`, `root_not_directory` or `root_unreadable` of class source
 */
export function* scanFolder(plan: FolderPlan, options: ScanOptions = {}): Generator<ScanEvent> {
  checkRoot(plan.root, options.fs);
  yield* new Scan(plan, options).below("");
}

/** As {@link scanFolder} for one place only: an item with the datasets nested in it, or a folder above items. */
export function scanPlace(
  plan: FolderPlan,
  relative: string,
  options: ScanOptions = {},
): Generator<ScanEvent> {
  return new Scan(plan, options).below(relative);
}

/** Absolute path of an item from its relative name on disk. */
export function itemPath(plan: Pick<FolderPlan, "root">, relative: string): string {
  return relative === "." || relative === "" ? plan.root : `${plan.root}/${relative}`;
}

/** Looks at one item again; undefined when it is gone (or lost its info file). @throws SyncError of class local */
export function lookAtItem(
  plan: FolderPlan,
  relative: string,
  fs: FileSystem = Deno,
): ItemDigest | undefined {
  if (presence(plan, relative, fs) !== "there") return undefined;
  try {
    return finish(examineFully(plan, fs, relative, 0));
  } catch (e) {
    if (e instanceof SyncError && e.class === "local") throw e;
    return undefined;
  }
}

/** Looks at all of an item, in steps. @param now wall clock at the look, ms */
export function* examineFully(
  plan: FolderPlan,
  fs: FileSystem,
  relative: string,
  now: number,
): Steps<ItemDigest> {
  const path = itemPath(plan, relative);
  if (plan.single_file) return digestFile(path, now, fs);
  return yield* digestSteps(path, { nestedDatasets: plan.level === -1 }, now, fs);
}

/** Whether an item's input exists; `unknown` when the system does not tell, which is no reason to believe it gone (D13). */
export function presence(
  plan: FolderPlan,
  relative: string,
  fs: Pick<FileSystem, "statSync"> = Deno,
): "there" | "gone" | "unknown" {
  const path = itemPath(plan, relative);
  try {
    const stat = fs.statSync(path);
    if (plan.single_file) return stat.isFile ? "there" : "gone";
    if (!stat.isDirectory) return "gone";
    return plan.level !== -1 || fs.statSync(`${path}/${INFO_FILE}`).isFile ? "there" : "gone";
  } catch (e) {
    return e instanceof Deno.errors.NotFound || e instanceof Deno.errors.NotADirectory ? "gone" : "unknown";
  }
}

/** @throws SyncError `root_missing`, `root_not_directory` or `root_unreadable` of class source */
export function checkRoot(root: string, fs: Pick<FileSystem, "statSync" | "readDirSync"> = Deno): void {
  let stat;
  try {
    stat = fs.statSync(root);
  } catch (e) {
    throw rootMissing(root, e);
  }
  if (!stat.isDirectory) {
    throw new SyncError("source", "root_not_directory", `${root} is not a folder`, {
      hint: "Give the folder that holds the measurements: etiket-sync source update NAME --set …",
    });
  }
  if (!listSorted(root, fs)) {
    throw new SyncError("source", "root_unreadable", `${root} may not be listed`, {
      hint: "Give the user that runs etiket-sync the right to read this folder.",
    });
  }
}

export function rootMissing(root: string, cause: unknown): SyncError {
  return new SyncError("source", "root_missing", `${root} cannot be reached`, {
    cause,
    hint: "Check that the disk or network share is connected; the source goes on by itself when it is back.",
  });
}

type Listed = { kind: "folder" | "item"; path: string } | Extract<ScanEvent, { kind: "unmatched" }>;

/**
 * What the entries of a folder above items are (levels only; datasets with an info file mark their own folder).
 * @param depth of the folder below the root
 */
export function classify(plan: FolderPlan, relative: string, depth: number, entry: Deno.DirEntry): Listed {
  const path = join(relative, entry.name);
  const unmatched = (reason: UnmatchedReason): Listed => ({ kind: "unmatched", path, reason });
  if (entry.name.startsWith(".")) return unmatched("hidden");
  if (plan.level === -1) return entry.isDirectory ? { kind: "folder", path } : unmatched("no_info_file");
  const atLevel = depth + 1 === plan.level;
  if (entry.isDirectory) {
    if (!atLevel) return { kind: "folder", path };
    if (plan.single_file) return unmatched("too_deep");
  } else if (!atLevel || !plan.single_file) {
    return unmatched(entry.isSymlink ? "symlink_directory" : "too_shallow");
  }
  return patternOf(plan)?.test(path.normalize("NFC")) === false
    ? unmatched("name_pattern")
    : { kind: "item", path };
}

class Scan {
  readonly #fs: FileSystem;
  readonly #examine: Examine;

  constructor(private readonly plan: FolderPlan, options: ScanOptions) {
    const fs = this.#fs = options.fs ?? Deno;
    this.#examine = options.examine ?? ((relative) => examineFully(plan, fs, relative, 0));
  }

  *below(relative: string): Generator<ScanEvent> {
    const depth = relative === "" ? 0 : relative.split("/").length;
    if (this.plan.level === -1 || depth < this.plan.level) return yield* this.#folder(relative, depth);
    const entry = this.#entryOf(relative);
    if (entry) {
      yield* this.#entry(relative.slice(0, Math.max(0, relative.lastIndexOf("/"))), depth - 1, entry);
    }
  }

  *#folder(relative: string, depth: number): Generator<ScanEvent> {
    if (this.plan.level === -1 && this.#isMarked(relative)) {
      const nested = yield* this.#item(relative === "" ? "." : relative);
      for (const n of nested) yield* this.#folder(join(relative, n), depth);
      return;
    }
    const entries = listSorted(itemPath(this.plan, relative), this.#fs);
    if (!entries) return yield { kind: "unreadable", path: relative };
    yield { kind: "pause" };
    for (const entry of entries) yield* this.#entry(relative, depth, entry);
  }

  *#entry(relative: string, depth: number, entry: Deno.DirEntry): Generator<ScanEvent> {
    const listed = classify(this.plan, relative, depth, entry);
    if (listed.kind === "unmatched") yield listed;
    else if (listed.kind === "folder") yield* this.#folder(listed.path, depth + 1);
    else yield* this.#item(listed.path);
  }

  /** @returns the datasets nested in it, relative to it */
  *#item(relative: string): Generator<ScanEvent, string[]> {
    const steps = this.#examine(relative);
    let look;
    try {
      for (;;) {
        const step = steps.next();
        if (step.done) {
          look = step.value;
          break;
        }
        yield { kind: "pause" };
      }
    } catch (e) {
      if (e instanceof SyncError && e.class === "local") throw e;
      // A link to nothing, or a file that was removed since its folder was listed, is no item.
      if (presence(this.plan, relative, this.#fs) !== "gone") yield { kind: "unreadable", path: relative };
      return [];
    }
    if ("known" in look) yield { kind: "known", id: look.known };
    else {
      const { fingerprint, signature } = look;
      const identifier = identifierOf(this.plan, relative, this.#fs);
      yield {
        kind: "item",
        identifier,
        ...(identifier === relative ? {} : { path: relative }),
        fingerprint,
        signature,
        changed_ms: look.newest_ms,
      };
    }
    for (const u of look.unreadable) yield { kind: "unreadable", path: join(relative, u) };
    return look.nested;
  }

  /** One stat is cheaper than a listing that the item's digest makes once more. */
  #isMarked(relative: string): boolean {
    try {
      return this.#fs.lstatSync(itemPath(this.plan, join(relative, INFO_FILE))).isFile;
    } catch {
      return false;
    }
  }

  #entryOf(relative: string): Deno.DirEntry | undefined {
    try {
      const { isFile, isDirectory, isSymlink } = this.#fs.lstatSync(itemPath(this.plan, relative));
      return { name: relative.slice(relative.lastIndexOf("/") + 1), isFile, isDirectory, isSymlink };
    } catch {
      return undefined;
    }
  }
}

/** NFC, unless another folder already bears that very name: then the two stay apart. */
export function identifierOf(plan: FolderPlan, relative: string, fs: FileSystem = Deno): string {
  const name = relative.normalize("NFC");
  if (name === relative) return name;
  try {
    return statExact(itemPath(plan, name), false, fs).file_id ===
        statExact(itemPath(plan, relative), false, fs).file_id
      ? name
      : relative;
  } catch {
    return name;
  }
}

/** Path of `b` below `a`, both relative to the root. */
export function join(a: string, b: string): string {
  return a === "" || a === "." ? b : b === "" ? a : `${a}/${b}`;
}

const patterns = new Map<string, RegExp>();

function patternOf(plan: FolderPlan): RegExp | undefined {
  if (plan.name_pattern === null) return undefined;
  let pattern = patterns.get(plan.name_pattern);
  if (!pattern) patterns.set(plan.name_pattern, pattern = new RegExp(plan.name_pattern, "u"));
  return pattern;
}
