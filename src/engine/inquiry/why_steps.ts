/** The links of the chain: source, file, item. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import type { Lookup, Place } from "./why_place.ts";
import { type FileUpload, type Inside, type LastRun, remarksAbout, type SkippedPath } from "./why_record.ts";
import { stateText, type WhyStep } from "./why_text.ts";

export function sourceSteps(source: SourceRow, agentStopped: boolean, place?: Place): WhyStep[] {
  const how = place?.plan?.kind === "folder"
    ? `, root ${place.plan.root}, ${
      place.plan.level === -1
        ? "each folder with an info file is an item"
        : `items ${place.plan.level} level(s) deep`
    }`
    : "";
  const steps: WhyStep[] = agentStopped
    ? [{
      code: "agent_stopped",
      text: "the user stopped the agent: nothing is read or sent until it is started",
      hint: "Start it in the dashboard, or with: POST /api/v1/sync/agent/start",
    }]
    : [];
  steps.push({ code: "source", text: `source "${source.name}" (${source.backend}${how})` });
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

export function fileSteps(
  inside: Inside,
  files: readonly FileUpload[],
  left: readonly SkippedPath[],
  run: LastRun | null,
): WhyStep[] {
  const steps: WhyStep[] = files.map((f) => ({ code: f.action ?? f.status, text: uploadText(f) }));
  for (const { path, reason, rule } of left) {
    const by = rule === null ? "" : ` by the rule ${rule}`;
    steps.push({ code: reason, text: `the last run left out "${path}"${by}` });
  }
  for (const r of remarksAbout(run, inside)) {
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

export function itemSteps(
  agent: Lookup,
  item: ItemRow,
  source: SourceRow | undefined,
  run: LastRun | null,
  move: string | undefined,
): WhyStep[] {
  const steps: WhyStep[] = [];
  if (move !== undefined) steps.push({ code: "moved_from", text: move });
  if (item.scope_identifier) {
    const mapped = agent.catalog.mappings.scopeOf(item.source_id, item.scope_identifier);
    const text = mapped
      ? `mapped to scope ${mapped}`
      : item.pushed_scope === item.scope_identifier
      ? "it is the scope itself, named by the source"
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
  if (item.state === "waiting" || item.state === "settling") {
    steps.push({
      code: "lane",
      text: `it waits in the lane of ${LANES[item.has_priority ? "asked" : item.lane]}`,
    });
    if (item.due_at > Date.now()) {
      steps.push({
        code: "due_at",
        text: `it is read at ${new Date(item.due_at).toISOString()} if it stays quiet`,
      });
    }
  }
  if (item.next_attempt_at !== null && item.state !== "done") {
    steps.push({
      code: "next_attempt",
      text: `next attempt at ${new Date(item.next_attempt_at).toISOString()}`,
    });
  }
  return steps;
}

const LANES = {
  asked: "what the user asked for, which comes first",
  new: "news",
  backfill: "what was there before (back-fill)",
  retry: "further attempts",
} as const;

function uploadText(f: FileUpload): string {
  const version = f.version_id === null ? "" : ` as version ${f.version_id}`;
  const made = f.converter ? ` (made by ${f.converter})` : "";
  if (f.skip_reason === "deleted_locally") {
    return `"${f.name}"${made} was deleted or renamed here (noticed ${f.sync_timestamp ?? "?"}); ${
      version === "" ? "it was never uploaded" : `it stays on the platform${version}`
    }`;
  }
  if (f.action === "skipped") {
    return `"${f.name}"${made} is left out: ${f.skip_reason ?? f.error ?? "skipped"}`;
  }
  if (f.status === "ERROR") {
    return `"${f.name}"${made} was not uploaded: ${f.error ?? "see the last attempt"}`;
  }
  const what = f.action === "unchanged" ? "is on the platform" : "was uploaded";
  return `"${f.name}"${made} ${what}${version}, ${f.size ?? "?"} bytes, ${f.sync_timestamp ?? ""}`.trimEnd();
}
