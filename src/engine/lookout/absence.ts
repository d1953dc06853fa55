/** Finds out which inputs are gone (D13): only a look at the very place, with the root in reach, tells. */
import { reasonOf } from "../../catalog/reason.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { isHidden } from "../../discovery/dirty_paths.ts";
import { checkRoot, presence } from "../../discovery/folder_scan.ts";
import { INFO_FILE } from "../../discovery/item_walk.ts";
import type { IdSet } from "../../discovery/id_set.ts";
import { SyncError } from "../../kit/errors.ts";
import { statExact } from "../../kit/fingerprint.ts";
import type { FolderSourcePlan, Services } from "../services.ts";
import { Slices } from "./slices.ts";

/** An input must be absent in two looks this far apart to count as gone, ms (D13). */
export const ABSENCE_GRACE_MS = 60_000;
/** Items looked at in one query. */
const PAGE = 2000;

type FolderSource = { row: SourceRow; plan: FolderSourcePlan };

/**
 * After a scan that could list everything: which items did it not see?
 * @param seen items that the scan saw
 */
export async function noteUnseen(
  s: Services,
  source: FolderSource,
  seen: IdSet,
  signal?: AbortSignal,
): Promise<void> {
  const { intake } = s.catalog;
  if (seen.size >= intake.presentCount(source.row.id)) return;
  await eachPage(
    s,
    (after) => intake.page(source.row.id, after, PAGE),
    (ids) => noteAbsent(s, source, ids.filter((id) => !seen.has(id))),
    signal,
  );
}

/** A place disappeared: items at or below it may be gone. */
export async function notePlaceGone(
  s: Services,
  source: FolderSource,
  place: string,
  signal?: AbortSignal,
): Promise<void> {
  const identifier = place.normalize("NFC");
  await eachPage(
    s,
    (after) => s.catalog.intake.pageBelow(source.row.id, identifier, after, PAGE),
    (ids) => noteAbsent(s, source, ids),
    signal,
  );
}

/** The second look at inputs that were absent a while ago. @returns relative names of those that are there again */
export function lookAgainForAbsent(s: Services, source: FolderSource): string[] {
  const since = s.env.now() - ABSENCE_GRACE_MS;
  const ids = s.catalog.intake.absentSince(source.row.id, since, PAGE);
  noteAbsent(s, source, ids);
  return ids.flatMap((id) => s.catalog.items.byId(id) ?? []).map((i) => i.path ?? i.identifier)
    .filter((name) => presence(source.plan, name, s.env.fs) === "there");
}

async function eachPage(
  s: Services,
  page: (after: string | null) => { id: number; identifier: string }[],
  work: (ids: number[]) => void,
  signal?: AbortSignal,
): Promise<void> {
  const slices = new Slices(s.env, signal);
  for (let after: string | null = null;;) {
    const rows = page(after);
    work(rows.map((r) => r.id));
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.identifier ?? null;
    if (slices.over) await slices.next();
  }
}

function noteAbsent(s: Services, { row, plan }: FolderSource, ids: readonly number[]): void {
  if (ids.length === 0) return;
  const { catalog, env } = s;
  const gone = ids.filter((id) => {
    const item = catalog.items.byId(id);
    if (!item || item.source_id !== row.id || item.state === "vanished" || item.state === "deleted_locally") {
      return false;
    }
    const name = item.path ?? item.identifier;
    return presence(plan, name, env.fs) === "gone" || !belongs(plan, name);
  });
  if (gone.length === 0) return;
  // A disk that is taken away right now makes everything look gone.
  checkRoot(plan.root, env.fs);
  const unmarked = gone.filter((id) => isUnmarked(s, plan, id));
  const deleted = gone.filter((id) => !unmarked.includes(id));
  catalog.intake.absent(deleted, ABSENCE_GRACE_MS, env.now());
  catalog.intake.absent(unmarked, ABSENCE_GRACE_MS, env.now(), MARKER_REMOVED);
}

/** Why an item whose folder is still there is none any more. */
export const MARKER_REMOVED = reasonOf(
  new SyncError(
    "data",
    "marker_removed",
    `the folder holds no ${INFO_FILE} any more: it is no dataset here`,
    {
      hint: `Put a ${INFO_FILE} (it may be empty) into the folder to go on with it.`,
    },
  ).toData(),
);

/** Whether an item's folder is there, without the file that marks it. */
function isUnmarked({ catalog, env }: Services, plan: FolderSourcePlan, id: number): boolean {
  const item = catalog.items.byId(id);
  if (!item || plan.level !== -1) return false;
  return presence({ ...plan, level: 1 }, item.path ?? item.identifier, env.fs) === "there";
}

/** Whether an item of this name can exist under the source's present settings. */
function belongs(plan: FolderSourcePlan, name: string): boolean {
  const parts = name === "." ? [] : name.split("/");
  if (isHidden(parts)) return false;
  if (plan.level === -1) return true;
  return parts.length === plan.level &&
    (plan.name_pattern === null || new RegExp(plan.name_pattern, "u").test(name.normalize("NFC")));
}

/**
 * An empty folder in place of the one that held the items is the mount point of a disk or share that is not there (D11).
 * @returns whether the root is another folder than at the last look
 * @throws SyncError `root_missing`, `root_empty` and others of class source
 */
export function checkSourceRoot(s: Services, source: FolderSource): boolean {
  const { fs } = s.env;
  const { root } = source.plan;
  checkRoot(root, fs);
  const { file_id } = statExact(root, true, fs);
  return !isKnownRoot(s, source, file_id) && checkRootIdentity(s, source, file_id, isEmpty(root, fs));
}

/** Whether the root is the folder that it was at the last look. @param fileId as in ExactStat */
export function isKnownRoot(s: Services, source: FolderSource, fileId: string): boolean {
  return s.catalog.getFact(rootFact(source.row.id)) === `${source.plan.root} ${fileId}`;
}

/** As {@link checkSourceRoot}, for a root that was reached and is not known. */
export function checkRootIdentity(
  s: Services,
  source: FolderSource,
  fileId: string,
  empty: boolean,
): boolean {
  const { row, plan } = source;
  const replaced = s.catalog.getFact(rootFact(source.row.id))?.startsWith(`${plan.root} `) ?? false;
  if (replaced && empty && s.catalog.intake.presentCount(row.id) > 0) {
    throw new SyncError(
      "source",
      "root_empty",
      `${plan.root} is empty and is not the folder that held the data`,
      {
        hint:
          "Check that the disk or network share is connected; the source goes on by itself when it is back.",
      },
    );
  }
  s.catalog.setFact(rootFact(source.row.id), `${plan.root} ${fileId}`);
  return replaced;
}

/** Key of the fact which folder the root of a source was at the last look: its path and its file id. */
export const rootFact = (source: number) => `root_of_source_${source}`;

function isEmpty(path: string, fs: Services["env"]["fs"]): boolean {
  for (const _ of fs.readDirSync(path)) return false;
  return true;
}
