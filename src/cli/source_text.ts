/** Sources as people read them. */
import type { SourceView } from "../engine/views.ts";
import { shortName } from "./backend_names.ts";
import { count, printable, readableTime } from "./readable.ts";
import { dim, stateColour } from "./style.ts";
import { keyValues, table } from "./table.ts";

export function sourceTable(sources: readonly SourceView[], width: number | undefined): string {
  return table(sources, [
    { title: "NAME", value: (s) => s.name, flexible: true },
    { title: "BACKEND", value: (s) => shortName(s.backend) },
    { title: "STATE", value: (s) => s.status },
    { title: "ITEMS", value: (s) => s.items_total },
    { title: "SYNCED", value: (s) => s.items_synchronized },
    { title: "FAILED", value: (s) => s.items_failed },
    { title: "NO SCOPE", value: (s) => s.items_unmapped_scope_count },
    { title: "LAST CHANGE", value: (s) => readableTime(s.last_update) },
  ], width);
}

/** A few lines: what it is and how far it got. */
export function sourceCard(s: SourceView): string {
  return keyValues([
    ["name", s.name],
    ["backend", s.backend],
    ["state", s.status, stateColour(s.status)],
    ["reason", s.reason && `${s.reason.code}: ${s.reason.message}`],
    ["what to do", s.reason?.hint],
    ["items", itemsText(s)],
    ["default scope", s.default_scope],
    ["auto-assign", s.autoassign_scope_mapping ? "yes" : null],
    ["settings", settingsText(s)],
  ]);
}

function settingsText({ config_data, secrets }: SourceView): string {
  return [
    ...Object.entries(config_data).map(([k, v]) => `${k} = ${settingText(v)}`),
    ...secrets.map((name) => `${name} is sealed`),
  ].join("\n");
}

/** The card plus owner, mappings and what belongs to no item. */
export function sourceDetail(s: SourceView): string {
  const more = keyValues([
    ["owner", s.owner],
    ["mappings", s.scope_mappings.map((m) => `${m.scope_identifier} → ${m.scope_uuid}`).join("\n")],
    ["last change", readableTime(s.last_update)],
  ]);
  const { count: left, paths } = s.unmatched;
  const shown = paths.slice(0, 20);
  const unmatched = left === 0 ? "" : [
    `\nIn no item: ${count(left, "path")}`,
    ...shown.map((p) => `  ${printable(p.path)}  ${dim(p.reason)}`),
    ...(left > shown.length ? [`  … ${left - shown.length} more; --json lists up to 1000`] : []),
  ].join("\n") + "\n";
  return sourceCard(s) + more + unmatched;
}

function itemsText(s: SourceView): string {
  return [
    `${s.items_synchronized} of ${s.items_total} synchronized`,
    ...(s.items_failed ? [`${s.items_failed} failed`] : []),
    ...(s.items_unmapped_scope_count ? [`${s.items_unmapped_scope_count} without a scope`] : []),
  ].join(", ");
}

function settingText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
