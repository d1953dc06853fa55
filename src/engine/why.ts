/** Explains the whole chain of decisions behind one path or item: source, rule, state, last attempt, next retry. */
import type { ItemRow } from "../catalog/items.ts";
import type { SourceRow } from "../catalog/sources.ts";
import { SyncError } from "../kit/errors.ts";
import { itemView } from "./source_view.ts";
import { loadRecord } from "./sync_record.ts";
import type { ItemView } from "./views.ts";
import { type Lookup, type OutsideReason, type Place, placeOf } from "./why_place.ts";
import { type FileUpload, type LastRun, lastRun, remarksAbout, uploads } from "./why_record.ts";
import { outsideText, stateText, type WhyStep } from "./why_text.ts";

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

function itemReport(agent: Lookup, target: string, item: ItemRow, others: number): WhyReport {
  const source = agent.catalog.sources.byId(item.source_id);
  const record = loadRecord(agent.catalog.items.record(item.id));
  const run = lastRun(record);
  const steps = [
    ...(source ? sourceSteps(source) : []),
    {
      code: "item",
      text: `${target} is item "${item.identifier}" (id ${item.id}), dataset ${item.dataset_uuid}`,
    },
    ...(others > 0
      ? [{ code: "ambiguous", text: `${others} more item(s) are called so; ask by id for those` }]
      : []),
    ...itemSteps(agent, item, source, run),
  ];
  return {
    target,
    path: null,
    source: source?.name ?? null,
    item: itemView(item, source),
    file: null,
    verdict: item.state,
    steps,
    last_run: run,
    uploads: uploads(record),
  };
}

function pathReport(agent: Lookup, target: string, place: Place): WhyReport {
  const { item, source, name, outside } = place;
  const record = item ? loadRecord(agent.catalog.items.record(item.id)) : undefined;
  const run = lastRun(record);
  const files = name === null ? uploads(record) : uploads(record, { path: place.path, name });
  const steps: WhyStep[] = [{ code: place.kind, text: `${place.path} ${kindText(place)}` }];
  if (source) steps.push(...sourceSteps(source, place));
  if (outside !== null && !item) steps.push(outsideText(outside, place));
  if (item) {
    const relation = name === null ? "is" : "lies in";
    steps.push({ code: "item", text: `it ${relation} item "${item.identifier}" (id ${item.id})` });
  }
  if (item && name !== null) steps.push(...fileSteps(place, name, outside, files, run));
  if (item && (outside === null || name === null)) {
    steps.push(...itemSteps(agent, item, source ?? undefined, run));
  }
  return {
    target,
    path: place.path,
    source: source?.name ?? null,
    item: item && source ? itemView(item, source) : null,
    file: name,
    verdict: outside ?? fileVerdict(name, files) ?? item?.state ?? "not_discovered",
    steps,
    last_run: run,
    uploads: files,
  };
}

function sourceSteps(source: SourceRow, place?: Place): WhyStep[] {
  const how = place?.plan?.kind === "folder"
    ? `, root ${place.plan.root}, ${
      place.plan.level === -1
        ? "each folder with an info file is an item"
        : `items ${place.plan.level} level(s) deep`
    }`
    : "";
  const steps: WhyStep[] = [{ code: "source", text: `source "${source.name}" (${source.backend}${how})` }];
  if (source.state === "stopped") {
    steps.push({
      code: "stopped",
      text: "the user stopped this source: nothing of it is read or sent",
      hint: `etiket-sync source start "${source.name}"`,
    });
  }
  if (source.state === "error" && source.reason) {
    steps.push({
      code: source.reason.code,
      text: `the source is in error: ${source.reason.message}`,
      hint: source.reason.hint,
    });
  }
  return steps;
}

function fileSteps(
  place: Place,
  name: string,
  outside: OutsideReason | null,
  files: readonly FileUpload[],
  run: LastRun | null,
): WhyStep[] {
  if (outside !== null) return [outsideText(outside, place)];
  const steps: WhyStep[] = files.map((f) => ({ code: f.action ?? f.status, text: uploadText(f) }));
  for (const r of remarksAbout(run, [name, place.path])) {
    steps.push({ code: r.code ?? r.kind, text: r.message, ...(r.hint ? { hint: r.hint } : {}) });
  }
  if (steps.length > 0) return steps;
  return [{
    code: run ? "not_in_last_run" : "never_run",
    text: run
      ? "the last run did not meet this file: it is newer than that run, or part of a folder taken as a whole"
      : "its item was never synchronized yet",
    hint: "etiket-sync once --dry-run says what the next run would do",
  }];
}

function itemSteps(
  agent: Lookup,
  item: ItemRow,
  source: SourceRow | undefined,
  run: LastRun | null,
): WhyStep[] {
  const steps: WhyStep[] = [];
  if (item.scope_identifier) {
    const mapped = agent.catalog.mappings.scopeOf(item.source_id, item.scope_identifier);
    const text = mapped
      ? `mapped to scope ${mapped}`
      : source?.default_scope
      ? `not mapped: the default scope ${source.default_scope} is taken`
      : "not mapped, and there is no default scope";
    steps.push({ code: "scope", text: `scope identifier "${item.scope_identifier}": ${text}` });
  } else if (source?.default_scope) {
    steps.push({ code: "scope", text: `goes to the default scope ${source.default_scope}` });
  }
  if (run) {
    steps.push({ code: "last_attempt", text: `last attempt: ${run.name}, began ${run.date}` });
    for (const r of run.remarks.filter((x) => x.kind === "error")) {
      steps.push({ code: r.code ?? "error", text: r.message, ...(r.hint ? { hint: r.hint } : {}) });
    }
  }
  steps.push(stateText(item));
  if (item.next_attempt_at !== null && item.state !== "done") {
    steps.push({
      code: "next_attempt",
      text: `next attempt at ${new Date(item.next_attempt_at).toISOString()}`,
    });
  }
  return steps;
}

function fileVerdict(name: string | null, files: readonly FileUpload[]): string | null {
  const file = files.find((f) => f.name === name);
  if (!file) return null;
  return file.action === "skipped"
    ? file.skip_reason ?? "skipped"
    : file.status === "OK"
    ? "uploaded"
    : "failed";
}

function uploadText(f: FileUpload): string {
  const version = f.version_id === null ? "" : ` as version ${f.version_id}`;
  const made = f.converter ? ` (made by ${f.converter})` : "";
  if (f.action === "skipped") {
    return `"${f.name}"${made} is left out: ${f.skip_reason ?? f.error ?? "skipped"}`;
  }
  if (f.status === "ERROR") {
    return `"${f.name}"${made} was not uploaded: ${f.error ?? "see the last attempt"}`;
  }
  const what = f.action === "unchanged" ? "is on the platform" : "was uploaded";
  return `"${f.name}"${made} ${what}${version}, ${f.size ?? "?"} bytes, ${f.sync_timestamp ?? ""}`.trimEnd();
}

function kindText(place: Place): string {
  return place.kind === "missing" ? "is not on this computer (any more)" : `is a ${place.kind}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
