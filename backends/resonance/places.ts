/** Where the databases of a source lie, and what its items are called. */
import { realpathSync } from "node:fs";
import { basename, dirname, extname, join, sep } from "node:path";
import { SyncError } from "../../src/kit/errors.ts";
import type { ResonanceConfig } from "./config.ts";

/** A file that belongs to no item (D15). */
export interface Unmatched {
  path: string;
  reason: string;
}

/** Identifier of a run: `<database>#<uid>` below a folder, the uid alone in one database. */
export function identifierOf(relative: string, runUid: string): string {
  return relative === "" ? runUid : `${relative}#${runUid}`;
}

/** The database and run that an identifier means. @throws SyncError `resonance_identifier_invalid` */
export function placeOf(config: ResonanceConfig, identifier: string): { path: string; runUid: string } {
  if (config.database_path !== undefined) return { path: config.database_path, runUid: identifier };
  const at = identifier.lastIndexOf("#");
  const relative = identifier.slice(0, Math.max(0, at));
  const isInside = relative.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (config.data_directory === undefined || at <= 0 || !isInside) {
    throw new SyncError(
      "data",
      "resonance_identifier_invalid",
      `"${identifier}" names no run of this source`,
      {
        hint: "Runs of a folder are called <database>#<run uid>.",
      },
    );
  }
  return { path: join(config.data_directory, ...relative.split("/")), runUid: identifier.slice(at + 1) };
}

export function databaseFile(config: ResonanceConfig, relative: string): string {
  return relative === ""
    ? config.database_path ?? ""
    : join(config.data_directory ?? "", ...relative.split("/"));
}

/** The Zarr store of a database. */
export function storeOf(databasePath: string): string {
  return join(dirname(databasePath), `${stemOf(databasePath)}.zarr`);
}

/** Name of a database without its suffix. */
export function stemOf(databasePath: string): string {
  return basename(databasePath, extname(databasePath));
}

/**
 * The database, or the folders that hold databases: the journal of every transaction changes them. What begins in other
 * folders is found when the source is read, once a minute.
 */
export function watchedPlaces({ data_directory: root, database_path: path }: ResonanceConfig): string[] {
  if (root === undefined) return path === undefined ? [] : [path];
  try {
    const folders = findDatabases(root).databases.map((relative) =>
      dirname(join(root, ...relative.split("/")))
    );
    return [...new Set([root, ...folders])];
  } catch {
    // Discovery will say what is the matter.
    return [root];
  }
}

/**
 * All `*.db` below a folder, relative to it with `/`, sorted. Hidden entries and Zarr stores are passed over (D3), links
 * are followed to files below the folder only (D4).
 * @throws SyncError `root_missing` when the folder itself cannot be listed
 */
export function findDatabases(root: string): { databases: string[]; unmatched: Unmatched[] } {
  const databases: string[] = [];
  const unmatched: Unmatched[] = [];
  const pending = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    let entries: Deno.DirEntry[];
    try {
      entries = [...Deno.readDirSync(join(root, folder))];
    } catch (e) {
      if (folder === "") throw rootMissing(root, e);
      unmatched.push({ path: folder, reason: "unreadable" });
      continue;
    }
    for (const { name, isDirectory, isFile, isSymlink } of entries) {
      const relative = folder === "" ? name : `${folder}/${name}`;
      if (name.startsWith(".")) continue;
      if (isDirectory && !/\.zarr$/i.test(name)) pending.push(relative);
      if (isDirectory || !/\.db$/i.test(name)) continue;
      if (isFile || isSymlink && isFileBelow(root, relative)) databases.push(relative);
      else unmatched.push({ path: relative, reason: isSymlink ? "link_outside" : "not_a_file" });
    }
  }
  return { databases: databases.sort(), unmatched };
}

function isFileBelow(root: string, relative: string): boolean {
  try {
    const real = realpathSync(join(root, relative));
    return real.startsWith(realpathSync(root) + sep) && Deno.statSync(real).isFile;
  } catch {
    return false;
  }
}

function rootMissing(root: string, cause: unknown): SyncError {
  return new SyncError(
    "source",
    "root_missing",
    `${root} cannot be listed: ${cause instanceof Error ? cause.message : cause}`,
    { hint: "Check that the drive is connected and that this user may read the folder.", cause },
  );
}
