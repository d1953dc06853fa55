/** Reads an item's folder on a share into memory, without keeping others waiting, so that it can be digested. */
import { type FolderPlan, join } from "../../discovery/folder_scan.ts";
import { digestFile, digestSteps, type ItemDigest } from "../../discovery/item_digest.ts";
import { type DigestedFiles, finish, isMarked } from "../../discovery/item_walk.ts";
import { SyncError } from "../../kit/errors.ts";
import type { ExactStat } from "../../kit/fingerprint.ts";
import type { PatientFiles } from "../lookout/patient_files.ts";

export interface ReadAhead {
  /** As `presence` of discovery/folder_scan.ts; `unmarked`: a folder that lost the file that made it a dataset. */
  presence: "there" | "gone" | "unmarked" | "unknown";
  /** What walkItem of discovery/item_walk.ts reads of it. */
  files: DigestedFiles;
}

/**
 * Reads what there is to know of an item.
 * @param rules.marked only folders with an info file are items
 * @throws SyncError `source_silent`; the signal's reason
 */
export async function readAhead(
  files: PatientFiles,
  path: string,
  rules: { marked: boolean; single: boolean },
  signal?: AbortSignal,
): Promise<ReadAhead> {
  const folders = new Map<string, Deno.DirEntry[] | Error>();
  const stats = new Map<string, ExactStat | Error>();
  const presence = rules.single ? await readFile() : await readFolder();
  // What was cut short must not be taken for what is there.
  signal?.throwIfAborted();
  return {
    presence,
    files: {
      readDirSync: (at) => got(folders.get(String(at))).values(),
      statExact: (at) => got(stats.get(at)),
    },
  };

  async function readFile(): Promise<ReadAhead["presence"]> {
    const found = await stat(path, true);
    return found instanceof Error ? absence(found) : found.kind === "file" ? "there" : "gone";
  }

  async function readFolder(): Promise<ReadAhead["presence"]> {
    const entries = await quietly(files.list(path, signal));
    folders.set(path, entries);
    if (entries instanceof Error) return absence(entries);
    if (rules.marked && !isMarked(entries)) return "unmarked";
    await inside(path, entries, false);
    return "there";
  }

  async function inside(at: string, entries: Deno.DirEntry[], inStore: boolean): Promise<void> {
    await Promise.all(
      entries.filter((e) => inStore || !e.name.startsWith(".")).map(async (e) => {
        const child = join(at, e.name);
        if (!e.isDirectory) return void await stat(child, e.isSymlink);
        const childInStore = inStore || e.name.toLowerCase().endsWith(".zarr");
        const listed = await quietly(files.list(child, signal));
        folders.set(child, listed);
        if (listed instanceof Error || (rules.marked && !childInStore && isMarked(listed))) return;
        await inside(child, listed, childInStore);
      }),
    );
  }

  async function stat(at: string, follow: boolean): Promise<ExactStat | Error> {
    const found = await quietly(files.stat(at, follow, signal));
    stats.set(at, found);
    return found;
  }
}

/** Digests what {@link readAhead} read of an item. @param now wall clock at the look, ms. Throws what was met instead of a file */
export function digestRead(
  plan: Pick<FolderPlan, "level" | "single_file">,
  path: string,
  files: DigestedFiles,
  now: number,
): ItemDigest {
  if (plan.single_file) return digestFile(path, now, files);
  return finish(digestSteps(path, { nestedDatasets: plan.level === -1 }, now, files));
}

/** Only a system that says so makes a path gone (D13). */
function absence(error: Error): "gone" | "unknown" {
  const code = "code" in error ? String(error.code) : "";
  return ["ENOENT", "ENOTDIR"].includes(code) || error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ? "gone"
    : "unknown";
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
