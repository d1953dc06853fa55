/** Reads an item's folder on a share into memory, without keeping others waiting, so that it can be digested. */
import { join } from "../discovery/folder_scan.ts";
import { type DigestedFiles, isMarked } from "../discovery/item_walk.ts";
import { SyncError } from "../kit/errors.ts";
import type { ExactStat } from "../kit/fingerprint.ts";
import type { PatientFiles } from "./patient_files.ts";

/**
 * What walkItem of discovery/item_walk.ts reads of a folder or file.
 * @throws SyncError `source_silent`
 */
export async function readAhead(
  files: PatientFiles,
  path: string,
  rules: { nestedDatasets: boolean; single: boolean },
): Promise<DigestedFiles> {
  const folders = new Map<string, Deno.DirEntry[] | Error>();
  const stats = new Map<string, ExactStat | Error>();
  await (rules.single ? stat(path, true) : folder(path, true, false));
  return {
    readDirSync: (at) => got(folders.get(String(at))).values(),
    statExact: (at) => got(stats.get(at)),
  };

  async function folder(at: string, isItem: boolean, inStore: boolean): Promise<void> {
    const entries = await quietly(files.list(at));
    folders.set(at, entries);
    if (entries instanceof Error || (rules.nestedDatasets && !isItem && !inStore && isMarked(entries))) {
      return;
    }
    await Promise.all(
      entries.filter((e) => inStore || !e.name.startsWith(".")).map((e) =>
        e.isDirectory
          ? folder(join(at, e.name), false, inStore || e.name.toLowerCase().endsWith(".zarr"))
          : stat(join(at, e.name), e.isSymlink)
      ),
    );
  }

  async function stat(at: string, follow: boolean): Promise<void> {
    stats.set(at, await quietly(files.stat(at, follow)));
  }
}

function got<T>(value: T | Error | undefined): T {
  if (value === undefined) throw new Deno.errors.NotFound();
  if (value instanceof Error) throw value;
  return value;
}

/** A file that cannot be read says so when it is digested; a share that does not answer ends everything. */
async function quietly<T>(call: Promise<T>): Promise<T | Error> {
  try {
    return await call;
  } catch (e) {
    if (e instanceof SyncError) throw e;
    return e instanceof Error ? e : new Error(String(e));
  }
}
