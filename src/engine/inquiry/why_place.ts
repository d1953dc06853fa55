/** Where a path belongs: which source covers it, which item it is or lies in, or which rule leaves it out. */
import { lstatSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Catalog } from "../../catalog/catalog.ts";
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { lookAtItem } from "../../discovery/folder_scan.ts";
import { INFO_FILE } from "../../discovery/item_digest.ts";
import type { ReaderPool, SourcePlan } from "../../readers/tasks.ts";
import { planOf } from "../sources/resolve_source.ts";

export type PathKind = "file" | "folder" | "link" | "other" | "missing";

/** Why a path is in no item; the codes of a source's `unmatched` list, and our own. */
export type OutsideReason =
  | "not_covered"
  | "hidden"
  | "no_info_file"
  | "too_shallow"
  | "too_deep"
  | "name_pattern"
  | "own_file"
  | "symlink_directory"
  | "database_file"
  | "database_folder"
  | "not_discovered";

export interface Place {
  path: string;
  kind: PathKind;
  source: SourceRow | null;
  plan: SourcePlan | null;
  item: ItemRow | null;
  /** Logical name inside the item; null when the path is the item itself. */
  name: string | null;
  outside: OutsideReason | null;
  /** The input of the item is other than the last scan found it, or gone. */
  changed: boolean;
  /** Items below the path, when it is a folder above them. */
  below: number;
}

export interface Lookup {
  catalog: Catalog;
  readers: ReaderPool;
}

/** Finds the place of a path; works for paths that are gone too, as far as the catalog remembers them. */
export async function placeOf(agent: Lookup, target: string): Promise<Place> {
  const path = realPath(target);
  const place: Place = {
    path,
    kind: kindOf(target),
    source: null,
    plan: null,
    item: null,
    name: null,
    outside: "not_covered",
    changed: false,
    below: 0,
  };
  let depth = -1;
  for (const source of agent.catalog.sources.list()) {
    // A source whose backend is gone covers nothing; `source show` says so.
    const plan = await planOf(agent, source).catch(() => null);
    if (!plan) continue;
    const root = plan.kind === "folder" ? realPath(plan.root) : undefined;
    if (root !== undefined && (path === root || isBelow(path, root)) && root.length > depth) {
      depth = root.length;
      Object.assign(place, { source, plan });
    }
    if (plan.kind === "database" && plan.watch_paths.some((p) => realPath(p) === path)) {
      return { ...place, source, plan, outside: "database_file" };
    }
  }
  if (!place.source) return await inFolderOfDatabases(agent, place);
  if (place.plan?.kind !== "folder") return place;
  const root = realPath(place.plan.root);
  const parts = path === root ? [] : path.slice(root.length).split(/[\\/]/).filter((p) => p !== "");
  return { ...place, ...placeInFolder(agent.catalog, place.source, place.plan, root, parts, place.kind) };
}

/** A source of many databases watches the folders that hold them. */
async function inFolderOfDatabases(agent: Lookup, place: Place): Promise<Place> {
  for (const source of agent.catalog.sources.list()) {
    const plan = await planOf(agent, source).catch(() => null);
    if (plan?.kind !== "database" || !plan.watch_paths.some((p) => isBelow(place.path, realPath(p)))) {
      continue;
    }
    return { ...place, source, plan, outside: "database_folder" };
  }
  return place;
}

type FolderPlan = Extract<SourcePlan, { kind: "folder" }>;
type Inside = Partial<Place>;

function placeInFolder(
  catalog: Catalog,
  source: SourceRow,
  plan: FolderPlan,
  root: string,
  parts: string[],
  kind: PathKind,
): Inside {
  const depth = plan.level === -1 ? markedDepth(catalog, source, root, parts) : plan.level;
  if (parts.slice(0, depth).some((p) => p.startsWith("."))) return { outside: "hidden" };
  if (depth > parts.length) {
    const hidden = parts.some((p) => p.startsWith("."));
    const outside = hidden
      ? "hidden"
      : plan.level !== -1
      ? kind === "link" ? "symlink_directory" : "too_shallow"
      : "no_info_file";
    return { outside, below: itemsBelow(catalog, source, parts) };
  }
  const identifier = depth === 0 ? "." : parts.slice(0, depth).join("/").normalize("NFC");
  const item = catalog.items.byIdentifier(source.id, identifier) ??
    catalog.items.byIdentifier(source.id, parts.slice(0, depth).join("/"));
  const rest = parts.slice(depth);
  if (!item) return { outside: unknownItem(plan, identifier, rest, join(root, ...parts.slice(0, depth))) };
  const changed =
    lookAtItem({ ...plan, root }, item.path ?? item.identifier)?.fingerprint !== item.fingerprint;
  if (rest.length === 0) return { item, outside: null, changed };
  const name = rest.join("/").normalize("NFC");
  if (rest.at(-1) === INFO_FILE || rest.at(-1) === ".QH_manifest.yaml") {
    return { item, name, outside: "own_file", changed };
  }
  // Inside a Zarr store hidden names belong to the store.
  const store = rest.findIndex((p) => p.toLowerCase().endsWith(".zarr"));
  const seen = store >= 0 ? rest.slice(0, store + 1) : rest;
  return { item, name, outside: seen.some((p) => p.startsWith(".")) ? "hidden" : null, changed };
}

/** Depth of the nearest folder upwards that is a dataset, now on disk or in memory; Infinity when there is none. */
function markedDepth(catalog: Catalog, source: SourceRow, root: string, parts: readonly string[]): number {
  for (let depth = parts.length; depth >= 0; depth--) {
    const identifier = depth === 0 ? "." : parts.slice(0, depth).join("/").normalize("NFC");
    const marked = isFile(join(root, ...parts.slice(0, depth), INFO_FILE));
    if (marked || catalog.items.byIdentifier(source.id, identifier)) return depth;
  }
  return Infinity;
}

function unknownItem(
  plan: FolderPlan,
  identifier: string,
  rest: readonly string[],
  path: string,
): OutsideReason {
  if (plan.level !== -1) {
    const kind = kindOf(path);
    if (plan.single_file && (kind === "folder" || rest.length > 0)) return "too_deep";
    if (!plan.single_file && kind === "file") return "too_shallow";
    if (plan.name_pattern !== null && !new RegExp(plan.name_pattern, "u").test(identifier)) {
      return "name_pattern";
    }
  }
  return "not_discovered";
}

function itemsBelow(catalog: Catalog, source: SourceRow, parts: readonly string[]): number {
  if (parts.length === 0) return catalog.sources.counters(source.id).total;
  const prefix = parts.join("/").normalize("NFC") + "/";
  return catalog.items.list({ source_id: source.id, query: prefix, limit: -1, offset: 0 })
    .filter((i) => i.identifier.startsWith(prefix)).length;
}

function isBelow(path: string, folder: string): boolean {
  const prefix = folder.replace(/[\\/]$/, "");
  return path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}\\`);
}

/** Resolves links in the folders of a path, not the last part itself; missing parts stay as they are. */
function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return lstatSync(absolute).isSymbolicLink()
      ? join(realpathSync(dirname(absolute)), basename(absolute))
      : realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realPath(parent), basename(absolute));
  }
}

function kindOf(path: string): PathKind {
  try {
    const s = lstatSync(path);
    return s.isFile() ? "file" : s.isDirectory() ? "folder" : s.isSymbolicLink() ? "link" : "other";
  } catch {
    return "missing";
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
