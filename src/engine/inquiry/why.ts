/** Explains the whole chain of decisions behind one path or item: source, rule, state, last attempt, next retry. */
import { dirname } from "node:path";
import { AGENT_STOPPED } from "../../catalog/catalog.ts";
import type { ItemRow } from "../../catalog/item_rows.ts";
import { SyncError } from "../../kit/errors.ts";
import { itemView } from "../sources/source_view.ts";
import { loadRecord } from "../item/sync_record.ts";
import type { ItemView } from "../views.ts";
import { type Lookup, type Place, placeOf } from "./why_place.ts";
import {
  type FileUpload,
  type Inside,
  lastMove,
  type LastRun,
  lastRun,
  type SkippedPath,
  skips,
  uploads,
} from "./why_record.ts";
import { fileSteps, itemSteps, sourceSteps } from "./why_steps.ts";
import { outsideText, type WhyStep } from "./why_text.ts";

export type { WhyStep };

export interface WhyReport {
  target: string;
  /** Absolute path, null when an item was asked for by its id, name or dataset. */
  path: string | null;
  source: string | null;
  /** The item that the target is or lies in. */
  item: ItemView | null;
  /** Logical name inside the item. */
  file: string | null;
  /** Code of the outcome: an item's state, or why the path is in no item. */
  verdict: string;
  steps: WhyStep[];
  last_run: LastRun | null;
  /** Newest upload of each file concerned. */
  uploads: FileUpload[];
  /** What the last run left out, of those concerned. */
  skips: SkippedPath[];
}

/**
 * @param target a path, an item's id, its identifier, or its dataset's uuid
 * @throws SyncError `nothing_known` when it is none of these
 */
export async function why(agent: Lookup, target: string): Promise<WhyReport> {
  const isPath = /[\\/]/.test(target) || await exists(target);
  const known = findItems(agent, target);
  if (known.length > 0 && !(isPath && await exists(target))) {
    const [item, ...others] = known;
    if (item) return itemReport(agent, target, item, others.length);
  }
  const place = await placeOf(agent, target);
  // Files of a database's items lie anywhere.
  const sent = place.source === null ? agent.catalog.fileVersions.ofPath(place.path) : undefined;
  const [owner] = sent ? agent.catalog.items.ofDataset(sent.dataset_uuid) : [];
  if (sent && owner) return itemReport(agent, target, owner, 0, sent.name);
  if (!isPath && place.source === null) {
    throw new SyncError(
      "usage",
      "nothing_known",
      `"${target}" is no path, item id, item name or dataset uuid`,
      {
        hint: "List items with: etiket-sync item list --query TEXT",
      },
    );
  }
  return pathReport(agent, target, place);
}

function findItems(agent: Lookup, target: string): ItemRow[] {
  const byId = /^\d+$/.test(target) ? agent.catalog.items.byId(Number(target)) : undefined;
  if (byId) return [byId];
  const byDataset = agent.catalog.items.ofDataset(target.toLowerCase());
  if (byDataset.length > 0) return byDataset;
  return agent.catalog.sources.list()
    .map((s) => agent.catalog.items.byIdentifier(s.id, target))
    .filter((i) => i !== undefined);
}

/** @param file logical name of the target, when that is a file of the item */
function itemReport(
  agent: Lookup,
  target: string,
  item: ItemRow,
  others: number,
  file: string | null = null,
): WhyReport {
  const source = agent.catalog.sources.byId(item.source_id);
  const record = loadRecord(agent.catalog.items.record(item.id));
  const run = lastRun(record);
  const steps = [
    ...(source ? sourceSteps(source, isStopped(agent)) : []),
    {
      code: "item",
      text: `${target} is ${
        file === null ? "" : `"${file}" of `
      }item "${item.identifier}" (id ${item.id}), dataset ${item.dataset_uuid}`,
    },
    ...(others > 0
      ? [{ code: "ambiguous", text: `${others} more item(s) are called so; ask by id for those` }]
      : []),
    ...itemSteps(agent, item, source, run, lastMove(record)),
  ];
  return {
    target,
    path: null,
    source: source?.name ?? null,
    item: itemView(item, source),
    file,
    verdict: item.state,
    steps,
    last_run: run,
    uploads: file === null ? uploads(record) : uploads(record).filter((u) => u.name === file),
    skips: skips(run),
  };
}

function pathReport(agent: Lookup, target: string, place: Place): WhyReport {
  const { item, source, name, outside } = place;
  const record = item ? loadRecord(agent.catalog.items.record(item.id)) : undefined;
  const run = lastRun(record);
  const inside = name === null ? undefined : withFolders(name, place.path);
  const files = uploads(record, inside);
  const left = skips(run, inside);
  const steps: WhyStep[] = [{ code: place.kind, text: `${place.path} ${kindText(place)}` }];
  if (source) steps.push(...sourceSteps(source, isStopped(agent), place));
  if (outside !== null && !item) steps.push(outsideText(outside, place));
  if (item) {
    const relation = name === null ? "is" : "lies in";
    steps.push({ code: "item", text: `it ${relation} item "${item.identifier}" (id ${item.id})` });
  }
  if (item && place.changed) {
    steps.push({
      code: "changed",
      text: "its input is not as the last scan saw it",
      hint: "etiket-sync once",
    });
  }
  if (item && inside) {
    steps.push(...outside === null ? fileSteps(inside, files, left, run) : [outsideText(outside, place)]);
  }
  if (item && (outside === null || name === null)) {
    steps.push(...itemSteps(agent, item, source ?? undefined, run, lastMove(record)));
  }
  return {
    target,
    path: place.path,
    source: source?.name ?? null,
    item: item && source ? itemView(item, source) : null,
    file: name,
    verdict: outside ?? fileVerdict(name, files, left) ?? item?.state ?? "not_discovered",
    steps,
    last_run: run,
    uploads: files,
    skips: left,
  };
}

/** A path inside an item, and the folders between it and the item. */
function withFolders(name: string, path: string): Inside {
  const names = [name];
  const paths = [path];
  for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) {
    names.push(name.slice(0, at));
    paths.push(dirname(paths.at(-1) ?? path));
  }
  return { names, paths };
}

function fileVerdict(
  name: string | null,
  files: readonly FileUpload[],
  left: readonly SkippedPath[],
): string | null {
  if (name === null) return null;
  const file = files.find((f) => f.name === name);
  if (!file) return left[0]?.reason ?? null;
  return file.action === "skipped"
    ? file.skip_reason ?? "skipped"
    : file.status === "OK"
    ? "uploaded"
    : "failed";
}

function kindText(place: Place): string {
  return place.kind === "missing" ? "is not on this computer (any more)" : `is a ${place.kind}`;
}

function isStopped(agent: Lookup): boolean {
  return agent.catalog.getFact(AGENT_STOPPED) !== undefined;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
