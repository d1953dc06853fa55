/**
 * The walk of one dataset folder: which files belong to it, which stores (`*.zarr`) it holds, and what was left
 * out with which reason. Looks at names and file information only; no file is opened.
 */
import { join, sep } from "node:path";
import type { Skip } from "./drafts.ts";
import { type ErrorData, SyncError } from "./errors.ts";
import { outOfHandles } from "./file_failures.ts";
import { compareNames, logicalName, uniqueByName } from "./logical_name.ts";
import type { ShellPattern } from "./shell_pattern.ts";

/** A regular file of the dataset, or a folder that counts as one thing (a store). */
export interface WalkedEntry {
  /** Absolute path as it lies there; of a link, the link's own path. */
  path: string;
  /** Logical name inside the dataset. */
  name: string;
  /** Bytes; 0 for a store. */
  size: number;
  /** Modification time, ms since 1970 UTC; of a link, that of its target. */
  mtime: number;
}

export interface FolderWalk {
  /** Sorted by name, each name once. */
  files: WalkedEntry[];
  /** Folders that are never walked into, sorted by name. */
  stores: WalkedEntry[];
  /** `path` is relative to the dataset, `/` separated. Sorted by it. */
  skips: Skip[];
  /** What should have been uploaded and cannot be. */
  problems: ErrorData[];
}

export interface WalkOptions {
  /** Root folder of the source: links to files inside it are read through (D4). */
  root: string;
  /** Name that is never a file of a dataset, at any depth (D1). */
  infoFile: string;
  /** A subfolder that holds `infoFile` is a dataset of its own and not entered (D2). */
  nested: boolean;
  skip?: ShellPattern[];
  /** Whether a folder of this name is a store. */
  isStore?: (name: string) => boolean;
}

/**
 * Walks `folder`. Hidden entries (`.name`, D3) are passed over; entries that cannot be looked at become problems.
 * On Windows the hidden attribute is not seen by the runtime: there, too, only the name decides.
 * @throws SyncError source `root_missing` when the root cannot be resolved; busy `item_missing` when the folder
 * itself is gone
 */
export function walkFolder(folder: string, options: WalkOptions): FolderWalk {
  return new Walker(folder, options).run();
}

/** A folder waiting to be listed. */
interface Pending {
  path: string;
  /** Logical name, "" for the dataset folder itself. */
  name: string;
}

class Walker {
  readonly #files: WalkedEntry[] = [];
  readonly #stores: WalkedEntry[] = [];
  readonly #skips: Skip[] = [];
  readonly #problems: ErrorData[] = [];
  readonly #root: string;
  /** A stack instead of recursion: folders may be nested as deep as the file system allows. */
  readonly #pending: Pending[];

  constructor(readonly folder: string, readonly options: WalkOptions) {
    this.#root = resolveRoot(options.root);
    this.#pending = [{ path: folder, name: "" }];
  }

  run(): FolderWalk {
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) this.#list(next);
    const files = uniqueByName(this.#files);
    const stores = uniqueByName(this.#stores);
    return {
      files: files.kept,
      stores: stores.kept,
      skips: this.#skips.sort((a, b) => compareNames(a.path, b.path)),
      problems: [...this.#problems, ...files.problems, ...stores.problems],
    };
  }

  #list(folder: Pending) {
    let entries: Deno.DirEntry[];
    try {
      entries = [...Deno.readDirSync(folder.path)];
    } catch (e) {
      if (folder.name === "" && e instanceof Deno.errors.NotFound) {
        throw new SyncError("busy", "item_missing", `${folder.path} is gone`, {
          hint: "The folder was moved or deleted while it was being read; the next scan settles it.",
          cause: e,
        });
      }
      const scarce = outOfHandles(e, folder.path);
      if (scarce) throw scarce;
      return this.#unreadable(folder.path, folder.name, e);
    }
    const { infoFile, nested } = this.options;
    if (nested && folder.name !== "" && entries.some((e) => e.name === infoFile && !e.isDirectory)) return;
    for (const entry of entries) {
      if (entry.name.startsWith(".") || (entry.name === infoFile && !entry.isDirectory)) continue;
      const path = join(folder.path, entry.name);
      // Names come from listings, hence cannot hold `..`; only the encoding has to be settled.
      const name = logicalName(folder.name === "" ? entry.name : `${folder.name}/${entry.name}`);
      if (!this.#skipped(name, entry.isDirectory)) this.#visit(path, name, entry.name);
    }
  }

  #skipped(name: string, isDirectory: boolean): boolean {
    const pattern = this.options.skip?.find((p) => isDirectory ? p.matchesFolder(name) : p.matches(name));
    if (pattern) this.#skips.push({ path: name, reason: "skip_pattern", rule: `skip: ${pattern.text}` });
    return pattern !== undefined;
  }

  #visit(path: string, name: string, bareName: string) {
    let info: Deno.FileInfo;
    try {
      info = Deno.lstatSync(path);
    } catch (e) {
      return this.#unreadable(path, name, e);
    }
    if (info.isFile) this.#addFile(path, name, info);
    else if (info.isSymlink) this.#visitLink(path, name);
    else if (!info.isDirectory) this.#leaveOut(name, "special_file");
    else if (!this.options.isStore?.(bareName)) this.#pending.push({ path, name });
    else if (!this.#isNestedStore(path)) this.#stores.push(entryOf(path, name, info, 0));
  }

  #visitLink(path: string, name: string) {
    let info: Deno.FileInfo;
    let target: string;
    try {
      info = Deno.statSync(path);
      target = Deno.realPathSync(path);
    } catch (e) {
      // A chain of links without end (ELOOP) leads nowhere, too.
      if (e instanceof Deno.errors.NotFound || e instanceof Deno.errors.FilesystemLoop) {
        return this.#leaveOut(name, "symlink_dangling", "D4");
      }
      return this.#unreadable(path, name, e);
    }
    if (info.isDirectory) this.#leaveOut(name, "symlink_directory", "D4");
    else if (!isInside(this.#root, target)) this.#leaveOut(name, "symlink_outside_root", "D4");
    else if (!info.isFile) this.#leaveOut(name, "special_file");
    else this.#addFile(path, name, info);
  }

  #isNestedStore(path: string): boolean {
    if (!this.options.nested) return false;
    try {
      return !Deno.lstatSync(join(path, this.options.infoFile)).isDirectory;
    } catch {
      return false;
    }
  }

  #addFile(path: string, name: string, info: Deno.FileInfo) {
    this.#files.push(entryOf(path, name, info, info.size));
  }

  #leaveOut(path: string, reason: string, rule?: string) {
    this.#skips.push({ path, reason, ...(rule ? { rule } : {}) });
  }

  #unreadable(path: string, name: string, cause: unknown) {
    const missing = cause instanceof Deno.errors.NotFound;
    if (missing && !name.includes("\ufffd")) return this.#leaveOut(name, "vanished");
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = missing
      ? new SyncError(
        "data",
        "file_name_not_utf8",
        `${path}: its name is not UTF-8, so it cannot be opened`,
        {
          hint: "Rename the file with letters that every system can show.",
        },
      )
      : new SyncError("data", "unreadable", `${path} cannot be looked at: ${reason}`, {
        retry: "later",
        hint: "Give the account that runs etiket-sync the right to read it, or list it under `skip`.",
      });
    this.#problems.push(error.toData());
  }
}

function entryOf(path: string, name: string, info: Deno.FileInfo, size: number): WalkedEntry {
  return { path, name, size, mtime: info.mtime?.getTime() ?? 0 };
}

function resolveRoot(root: string): string {
  try {
    return Deno.realPathSync(root);
  } catch (e) {
    throw new SyncError("source", "root_missing", `${root} cannot be reached`, {
      hint: "Connect the drive or share, or correct the folder of this source.",
      cause: e,
    });
  }
}

/** True when `path` lies below `root`; both are real paths. */
export function isInside(root: string, path: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}
