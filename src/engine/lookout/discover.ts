/** One look at a source: what is new or changed becomes pending in the catalog before anything else happens. */
import type { DirtyPlaces } from "../../discovery/dirty_paths.ts";
import { scanFolder, scanPlace } from "../../discovery/folder_scan.ts";
import { checkSourceRoot, notePlaceGone, noteUnseen } from "./absence.ts";
import { FolderIntake, type IntakeOptions } from "./folder_intake.ts";
import { autoassign } from "../sources/scopes.ts";
import type { FolderSourcePlan, ReadySource, Services } from "../services.ts";

/**
 * Discovers all of a source into the catalog.
 * @throws SyncError of class source when the source cannot be looked at; its items then stay as they are
 */
export async function discover(
  s: Services,
  source: ReadySource,
  signal?: AbortSignal,
  hooks: Pick<IntakeOptions, "onFound" | "between"> = {},
): Promise<void> {
  const options = { ...hooks, signal };
  if (source.plan.kind === "folder") await discoverFolder(s, source, source.plan, options);
  else await discoverDatabase(s, source, options);
  if (!source.row.scanned) {
    s.catalog.sources.setScanned(source.row.id);
    source.row.scanned = true;
  }
  await assignScopes(s, source);
}

/** Looks only where the watch told of changes. */
export async function discoverPlaces(
  s: Services,
  source: ReadySource,
  plan: FolderSourcePlan,
  places: Pick<DirtyPlaces, "look" | "gone">,
  options: IntakeOptions,
): Promise<void> {
  // First what is gone: of a moved dataset the old place must be known as empty when the new one is read.
  for (const place of places.gone) await notePlaceGone(s, { row: source.row, plan }, place, options.signal);
  const intake = new FolderIntake(s, source, plan, { lane: "new", ...options });
  const { fs } = s.env;
  for (const place of places.look) {
    await intake.takeAll(scanPlace(plan, place === "." ? "" : place, { fs, examine: intake.examine }));
  }
  await assignScopes(s, source);
}

async function assignScopes(s: Services, { row }: ReadySource): Promise<void> {
  if (row.autoassign) await autoassign(s, row);
}

async function discoverFolder(
  s: Services,
  source: ReadySource,
  plan: FolderSourcePlan,
  options: IntakeOptions,
): Promise<void> {
  checkSourceRoot(s, { row: source.row, plan });
  const intake = new FolderIntake(s, source, plan, options);
  await intake.takeAll(scanFolder(plan, { fs: s.env.fs, examine: intake.examine }));
  // What lies below an unreadable folder is not gone, only not seen.
  if (intake.complete) await noteUnseen(s, { row: source.row, plan }, intake.seen, options.signal);
  s.catalog.sources.setUnmatched(source.row.id, intake.unmatched.count, intake.unmatched.newest);
}

async function discoverDatabase(s: Services, source: ReadySource, options: IntakeOptions): Promise<void> {
  const { row, info, config } = source;
  for (let more = true; more;) {
    const page = await s.readers.run(
      "discover",
      { backend: info.identifier, config, since: row.cursor },
      { owner: row.id, ...(options.signal ? { signal: options.signal } : {}) },
    );
    // A source that was changed meanwhile is read from the beginning.
    options.signal?.throwIfAborted();
    const ids = s.catalog.transaction(() => {
      const ids = s.catalog.intake.upsert(
        row.id,
        page.items.map((i) => ({ ...i, changed_at: 0 })),
        row.scanned ? "new" : "backfill",
        () => s.env.uuid(),
        s.env.now(),
      );
      s.catalog.sources.setCursor(row.id, page.cursor);
      if (page.unmatched) {
        s.catalog.sources.setUnmatched(row.id, page.unmatched.length, page.unmatched.slice(0, 1000));
      }
      return ids;
    });
    s.live?.offer(source, ids.filter((_, i) => page.items[i]?.running));
    row.cursor = page.cursor;
    more = page.more;
    if (page.items.length > 0) options.onFound?.();
  }
}
