/** Where the inputs of known items are, or were. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import { itemPath } from "../../discovery/folder_scan.ts";
import { digestFile, digestFolder } from "../../discovery/item_digest.ts";
import { statExact } from "../../kit/fingerprint.ts";
import { rootFact } from "../lookout/absence.ts";
import { shareOf } from "../lookout/patient_files.ts";
import type { Services } from "../services.ts";

type Here = Pick<Services, "catalog" | "env">;

/**
 * Root of a folder source while it is the very folder that the last scan saw: a disk that is away, or a share that hangs,
 * proves nothing.
 */
export function reachableRoot({ catalog, env }: Here, source: number): string | undefined {
  const known = catalog.getFact(rootFact(source));
  if (known === undefined) return undefined;
  const end = known.lastIndexOf(" ");
  const root = known.slice(0, end);
  if (shareOf(env, root)?.isSilent) return undefined;
  try {
    return statExact(root, true, env.fs).file_id === known.slice(end + 1) ? root : undefined;
  } catch {
    return undefined;
  }
}

/** Absolute path of an item's input; undefined when its root is out of reach, or for a database. */
export function inputPath(
  s: Here,
  item: Pick<ItemRow, "source_id" | "identifier" | "path">,
): string | undefined {
  const root = reachableRoot(s, item.source_id);
  return root === undefined ? undefined : itemPath({ root }, item.path ?? item.identifier);
}

/** The item whose input is this path. */
export function itemAt({ catalog }: Here, path: string): ItemRow | undefined {
  for (const { id } of catalog.sources.list()) {
    const known = catalog.getFact(rootFact(id));
    const root = known?.slice(0, known.lastIndexOf(" "));
    if (root === undefined || (path !== root && !path.startsWith(`${root}/`))) continue;
    const name = path === root ? "." : path.slice(root.length + 1);
    return catalog.items.byIdentifier(id, name.normalize("NFC")) ?? catalog.items.byIdentifier(id, name);
  }
  return undefined;
}

/** Whether nothing is at a path; false when the system does not tell, or its share hangs. */
export function isGone({ env }: Here, path: string): boolean {
  if (shareOf(env, path)?.isSilent) return false;
  try {
    env.fs.lstatSync(path);
    return false;
  } catch (e) {
    return e instanceof Deno.errors.NotFound || e instanceof Deno.errors.NotADirectory;
  }
}

/** Whether what is at a path still looks as an item's input did. True when that cannot be told. */
export function looksLike(s: Here, path: string, fingerprint: string): boolean {
  if (isGone(s, path)) return false;
  const { fs } = s.env;
  try {
    if (!fs.statSync(path).isDirectory) return digestFile(path, 0, fs).fingerprint === fingerprint;
    return [true, false].some((nested) => digestFolder(path, nested, false, fs).fingerprint === fingerprint);
  } catch {
    return true;
  }
}
