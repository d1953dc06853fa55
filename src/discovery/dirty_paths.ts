/** From paths at which something happened to the places that have to be looked at again; cost per path is O(1). */
import type { FileSystem } from "../env.ts";
import { type FolderPlan, itemPath, join } from "./folder_scan.ts";
import { INFO_FILE } from "./item_walk.ts";

export interface DirtyPlaces {
  /** Items, or folders above items, to be scanned; "" is everything. None lies below another. */
  look: string[];
  /** Places that are no longer there: items at or below them may be gone. None lies below another. */
  gone: string[];
  /** Folders of which the watch may have missed what was made in them at once: to be looked at again later. */
  fresh: string[];
}

/** @param paths absolute paths at or below the root */
export function dirtyPlaces(
  plan: FolderPlan,
  paths: Iterable<string>,
  fs: Pick<FileSystem, "lstatSync" | "statSync"> = Deno,
): DirtyPlaces {
  return new Sorting(plan, fs).sort(paths);
}

/** Whether a relative path lies outside of what is ever looked at (D3); inside of Zarr stores nothing is hidden. */
export function isHidden(parts: readonly string[]): boolean {
  for (const part of parts) {
    if (part.startsWith(".")) return true;
    if (part.toLowerCase().endsWith(".zarr")) return false;
  }
  return false;
}

class Sorting {
  readonly #look = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #fresh = new Set<string>();
  /** Nearest dataset of a folder, for folders asked already. */
  readonly #owners = new Map<string, string | undefined>();

  constructor(
    private readonly plan: FolderPlan,
    private readonly fs: Pick<FileSystem, "lstatSync" | "statSync">,
  ) {}

  sort(paths: Iterable<string>): DirtyPlaces {
    const seen = new Set<string>();
    for (const path of paths) {
      const relative = this.#relative(path);
      if (relative === undefined || seen.has(relative)) continue;
      seen.add(relative);
      const parts = relative === "" ? [] : relative.split("/");
      if (isHidden(parts)) continue;
      if (this.plan.level === -1) this.#marked(relative);
      else this.#level(relative, parts);
    }
    return { look: outermost(this.#look), gone: outermost(this.#gone), fresh: outermost(this.#fresh) };
  }

  #relative(path: string): string | undefined {
    const { root } = this.plan;
    const normal = Deno.build.os === "windows" ? path.replaceAll("\\", "/") : path;
    const base = Deno.build.os === "windows" ? root.replaceAll("\\", "/") : root;
    if (normal === base) return "";
    const prefix = base.endsWith("/") ? base : `${base}/`;
    return normal.startsWith(prefix) ? normal.slice(prefix.length) : undefined;
  }

  #level(relative: string, parts: string[]): void {
    const kind = this.#kind(relative);
    const item = parts.slice(0, this.plan.level).join("/");
    if (parts.length > this.plan.level) {
      if (this.plan.single_file) return;
      if (kind === "folder") this.#fresh.add(item);
      this.#add(item);
    } else if (kind === "gone") this.#gone.add(relative);
    else if (parts.length === this.plan.level || kind === "folder") {
      if (kind === "folder") this.#fresh.add(relative);
      this.#look.add(relative);
    }
  }

  #marked(relative: string): void {
    const kind = this.#kind(relative);
    const folder = parentOf(relative);
    if (kind === "folder") {
      this.#fresh.add(relative);
      // A dataset is looked at as a whole, and with it the datasets nested in it.
      return void this.#look.add(this.#owner(relative) ?? relative);
    }
    if (kind === "gone") this.#gone.add(relative);
    if (nameOf(relative) === INFO_FILE) {
      // The folder became a dataset, or is none any more: files move between it and the dataset around it.
      if (kind === "gone") this.#gone.add(folder);
      else this.#look.add(folder);
      if (folder !== "") this.#addOwner(parentOf(folder));
    }
    this.#addOwner(folder);
  }

  #addOwner(folder: string): void {
    const owner = this.#owner(folder);
    if (owner !== undefined) this.#look.add(owner);
  }

  #add(item: string): void {
    if (this.#kind(item) === "gone") this.#gone.add(item);
    else this.#look.add(item);
  }

  /** Nearest folder upwards, itself included, that holds an info file. */
  #owner(folder: string): string | undefined {
    if (this.#owners.has(folder)) return this.#owners.get(folder);
    const owner = this.#isMarked(folder) ? folder : folder === "" ? undefined : this.#owner(parentOf(folder));
    this.#owners.set(folder, owner);
    return owner;
  }

  #isMarked(folder: string): boolean {
    try {
      return this.fs.statSync(itemPath(this.plan, join(folder, INFO_FILE))).isFile;
    } catch (e) {
      // What the system does not tell now is looked at rather than missed.
      return !isAbsence(e);
    }
  }

  #kind(relative: string): "folder" | "other" | "gone" {
    try {
      return this.fs.lstatSync(itemPath(this.plan, relative)).isDirectory ? "folder" : "other";
    } catch (e) {
      return isAbsence(e) ? "gone" : "other";
    }
  }
}

function isAbsence(e: unknown): boolean {
  return e instanceof Deno.errors.NotFound || e instanceof Deno.errors.NotADirectory;
}

/** Those that lie below no other one. */
function outermost(places: ReadonlySet<string>): string[] {
  if (places.has("")) return [""];
  return [...places].filter((place) => {
    for (let up = parentOf(place); up !== ""; up = parentOf(up)) if (places.has(up)) return false;
    return true;
  });
}

function parentOf(relative: string): string {
  return relative.slice(0, Math.max(0, relative.lastIndexOf("/")));
}

function nameOf(relative: string): string {
  return relative.slice(relative.lastIndexOf("/") + 1);
}
