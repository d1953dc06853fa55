/**
 * Recognises inputs that were renamed or moved before anything is made of them: an item whose files, by id, size and
 * time, now lie elsewhere goes there with its dataset (D14). The cost is a few look-ups per new or changed input.
 */
import type { FoundItem } from "../../catalog/item_intake.ts";
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { Move } from "../../catalog/relocations.ts";
import { settle } from "../../catalog/settle.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { itemPath } from "../../discovery/folder_scan.ts";
import { walkItem } from "../../discovery/item_walk.ts";
import { fingerprintText, statExact } from "../../kit/fingerprint.ts";
import { inputPath, itemAt, looksLike } from "./relocation_place.ts";
import { scopeOf } from "../sources/scopes.ts";
import type { FolderSourcePlan, Services } from "../services.ts";

/** Files of a folder by which it is recognised after it was renamed and changed. */
const FILES = 3;

type Here = Pick<Services, "catalog" | "env">;
type FolderSource = { row: SourceRow; plan: FolderSourcePlan };

/** Lets known items take the places of those found inputs that are theirs; the found ones are then known. */
export function relocateMoved(s: Here, source: FolderSource, found: readonly FoundItem[]): void {
  const { relocations } = s.catalog;
  if (!relocations.anyPushed()) return;
  const moves = new Map<number, Move>();
  for (const f of found) {
    const here = relocations.known(source.row.id, f.identifier);
    if (here?.fingerprint === f.fingerprint) continue;
    const isFree = (item: ItemRow) =>
      item.id !== here?.id && !moves.has(item.id) && fits(s, source.row, item, f);
    const item = byLooks(s, f, isFree) ?? byFiles(s, source.plan, f, isFree);
    if (item) moves.set(item.id, { item: item.id, to: newPlace(s, source.row, f), from: placeName(s, item) });
  }
  if (moves.size > 0) relocations.relocate([...moves.values()], s.env.now());
}

/** A place as users know it: its path, else source and identifier. */
export function placeName(s: Here, item: ItemRow): string {
  return inputPath(s, item) ?? `${s.catalog.sources.byId(item.source_id)?.name ?? "?"}: ${item.identifier}`;
}

/** The whole input looks as an item's did, whose place does not look like that any more. */
function byLooks(s: Here, f: FoundItem, isFree: (item: ItemRow) => boolean): ItemRow | undefined {
  // What holds no files looks like everything that holds none.
  if (f.priority <= 0) return undefined;
  return s.catalog.relocations.withFingerprint(f.fingerprint).find((item) => {
    if (!isFree(item)) return false;
    const path = inputPath(s, item);
    return path !== undefined && !looksLike(s, path, f.fingerprint);
  });
}

/** One of its first files was hashed under the same name in another item's folder, and is not there any more. */
function byFiles(
  s: Here,
  plan: FolderSourcePlan,
  f: FoundItem,
  isFree: (item: ItemRow) => boolean,
): ItemRow | undefined {
  // A share is not asked for more than its scan does: it may be slow.
  if (plan.single_file || plan.server_folder) return undefined;
  const folder = itemPath(plan, f.path ?? f.identifier);
  for (const name of firstFiles(s, plan, folder)) {
    const file = fileAt(s, `${folder}/${name}`);
    if (file === undefined) continue;
    for (const path of s.catalog.hashes.pathsOf(file)) {
      if (!path.endsWith(`/${name}`) || fileAt(s, path) === file) continue;
      const item = itemAt(s, path.slice(0, -name.length - 1));
      if (item && item.pushed_scope !== null && isFree(item) && inputPath(s, item) !== undefined) return item;
    }
  }
  return undefined;
}

/** An item moves to another source only into the same scope; below one source its scope may change with its place. */
function fits(s: Here, source: SourceRow, item: ItemRow, f: FoundItem): boolean {
  return item.source_id === source.id ||
    scopeOf(s, source, f.scope_identifier ?? null) === item.pushed_scope;
}

function newPlace(s: Here, source: SourceRow, f: FoundItem): Move["to"] {
  const { identifier, fingerprint, changed_at, priority } = f;
  return {
    source_id: source.id,
    identifier,
    path: f.path ?? null,
    scope_identifier: f.scope_identifier ?? null,
    fingerprint,
    changed_at,
    ...settle(changed_at, null, s.env.now()),
    priority,
  };
}

/** Names of the first regular files of a folder, relative to it. */
function firstFiles(s: Here, plan: FolderSourcePlan, folder: string): string[] {
  const names: string[] = [];
  const walk = walkItem(s.env.fs, folder, { nestedDatasets: plan.level === -1 }, {
    leaf: (relative, _path, isLink) => {
      if (!isLink && names.length < FILES) names.push(relative);
    },
    unreadable: () => {},
    nested: () => {},
  });
  for (const _ of walk) if (names.length >= FILES) break;
  return names;
}

function fileAt(s: Here, path: string): string | undefined {
  try {
    return fingerprintText(statExact(path, false, s.env.fs));
  } catch {
    return undefined;
  }
}
