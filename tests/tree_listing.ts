/** Everything about a folder that a user could find changed: names, kinds, sizes, times, permissions, bytes. */
import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export interface ListingOptions {
  /** Leave out `.QH_manifest.yaml` and the times of the folders that hold one. */
  withoutManifests?: boolean;
}

/** One line of text per path below `root`, the root itself being `.`. */
export function treeListing(
  root: string,
  { withoutManifests = false }: ListingOptions = {},
): Record<string, string> {
  const listing: Record<string, string> = {};
  const add = (relative: string): void => {
    const path = join(root, relative);
    const { mode, size, mtimeNs, uid } = lstatSync(path, { bigint: true });
    const entries = Deno.lstatSync(path).isDirectory ? [...Deno.readDirSync(path)] : undefined;
    const ours = entries?.some((e) => e.name === MANIFEST);
    const time = withoutManifests && ours ? "" : ` mtime ${mtimeNs}`;
    listing[relative] = `mode ${mode.toString(8)} owner ${uid}${time} ` +
      (entries
        ? "folder"
        : Deno.lstatSync(path).isSymlink
        ? `-> ${readlinkSync(path)}`
        : `${size} bytes, ${md5(path)}`);
    for (const { name } of entries ?? []) {
      if (!withoutManifests || name !== MANIFEST) add(join(relative, name));
    }
  };
  add(".");
  return listing;
}

const MANIFEST = ".QH_manifest.yaml";

function md5(path: string): string {
  return createHash("md5").update(readFileSync(path)).digest("hex");
}
