/** The folders above the items of a share: each is listed only when its mtime changed (D9). */
import { classify, itemPath } from "../../discovery/folder_scan.ts";
import { isMarked } from "../../discovery/item_walk.ts";
import { SyncError } from "../../kit/errors.ts";
import { inParallel, type PatientFiles, TOGETHER } from "./patient_files.ts";
import type { FolderSourcePlan, ReadySource, Services } from "../services.ts";
import { Slices } from "./slices.ts";
import type { Unmatched } from "./unmatched.ts";

/** A folder that changed this shortly before it was listed may change again without a new mtime, ms. */
const RACY_MS = 5000;

export interface ListingOptions {
  /** List every folder, whatever its mtime. */
  all: boolean;
  /** Takes what belongs to no item, when all is listed. */
  unmatched: Unmatched;
  /** Looks at an item that is not known. @returns false: it could not be looked at */
  lookAt(name: string): Promise<boolean>;
  signal: AbortSignal;
}

export class FolderListing {
  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly plan: FolderSourcePlan,
    private readonly files: PatientFiles,
    private readonly options: ListingOptions,
  ) {}

  /** Goes through all folders above the items. Throws SyncError `source_silent`, or the signal's reason. */
  async run(): Promise<void> {
    const waiting = [""];
    let busy = 0;
    let more = Promise.withResolvers<void>();
    const worker = async () => {
      while (waiting.length > 0 || busy > 0) {
        const folder = waiting.pop();
        if (folder === undefined) {
          await more.promise;
          continue;
        }
        busy++;
        try {
          this.options.signal.throwIfAborted();
          waiting.push(...await this.#foldersIn(folder));
        } finally {
          busy--;
          more.resolve();
          more = Promise.withResolvers();
        }
      }
    };
    await inParallel(Array.from({ length: TOGETHER }), TOGETHER, worker);
  }

  /** @returns the folders in a folder that are above items; [] for one that is an item or cannot be read */
  async #foldersIn(folder: string): Promise<string[]> {
    const { all, signal, lookAt } = this.options;
    const { folders } = this.s.catalog;
    const { id } = this.source.row;
    const path = itemPath(this.plan, folder);
    let mtime: string, entries: Deno.DirEntry[];
    try {
      const stat = await this.files.stat(path, true, signal);
      if (!all && folders.mtime(id, folder) === stat.mtime_ns) return folders.below(id, folder);
      mtime = stat.mtime_ms < this.s.env.now() - RACY_MS ? stat.mtime_ns : "";
      entries = await this.files.list(path, signal);
    } catch (e) {
      signal.throwIfAborted();
      if (e instanceof SyncError) throw e;
      return [];
    }
    if (this.plan.level === -1 && isMarked(entries)) {
      // From now on it is looked at as an item; until it could be, it is listed as a folder again and again.
      if (await lookAt(folder === "" ? "." : folder)) folders.forget(id, folder);
      else folders.distrust(id, folder);
      return [];
    }
    const { inside, items } = await this.#sort(folder, entries);
    let missed = false;
    await inParallel(items, TOGETHER, async (item) => {
      if (!await lookAt(item)) missed = true;
    });
    folders.listed(id, folder, missed ? "" : mtime, inside);
    return inside;
  }

  /** What is in a folder above items: folders to go into, and items that are not known. */
  async #sort(
    folder: string,
    entries: readonly Deno.DirEntry[],
  ): Promise<{ inside: string[]; items: string[] }> {
    const { all, signal } = this.options;
    const depth = folder === "" ? 0 : folder.split("/").length;
    const [inside, items]: [string[], string[]] = [[], []];
    const unmatched: { path: string; reason: string }[] = [];
    const slices = new Slices(this.s.env, signal);
    for (const entry of entries) {
      const listed = classify(this.plan, folder, depth, entry);
      if (listed.kind === "unmatched") unmatched.push(listed);
      else if (this.s.catalog.looks.get(this.source.row.id, listed.path) === undefined) {
        (listed.kind === "folder" ? inside : items).push(listed.path);
      }
      if (slices.over) await slices.next();
    }
    if (all) {
      await inParallel(unmatched, TOGETHER, async ({ path, reason }) => {
        this.options.unmatched.add(path, reason, await this.#mtime(path, signal));
      });
    }
    return { inside, items };
  }

  async #mtime(relative: string, signal: AbortSignal): Promise<number> {
    try {
      return (await this.files.stat(itemPath(this.plan, relative), false, signal)).mtime_ms;
    } catch (e) {
      signal.throwIfAborted();
      if (e instanceof SyncError) throw e;
      return 0;
    }
  }
}
