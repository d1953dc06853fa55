/** What a run did, as people read it. */
import type { OnceItem, OnceProgress, OnceReport } from "../engine/views.ts";
import { bar } from "./progress.ts";
import { count, printable, readableDuration, readableSize } from "./readable.ts";
import { dim, stateColour } from "./style.ts";
import { table } from "./table.ts";

export function progressText(p: OnceProgress): string {
  if (p.phase === "discovery") return "looking for changes";
  const sent = p.bytes_uploaded > 0 ? `, ${readableSize(p.bytes_uploaded)} sent` : "";
  const what = p.phase === "waiting"
    ? "waiting for files to be quiet"
    : `${p.items_done}/${p.items_due}${sent}`;
  return `${bar(p.items_done, p.items_due)} ${what}`;
}

export function onceText(report: OnceReport, width: number | undefined): string {
  const parts = [
    report.dry_run ? report.items.map(planText).join("") : problems(report.items),
    report.sources.length > 0 ? sources(report, width) : "",
    summary(report),
  ];
  return parts.filter((p) => p !== "").join("\n");
}

function sources(report: OnceReport, width: number | undefined): string {
  return table(report.sources, [
    { title: "SOURCE", value: (s) => s.name, flexible: true },
    { title: "STATE", value: (s) => s.status },
    { title: "ITEMS", value: (s) => s.items_total },
    { title: "SYNCED", value: (s) => s.items_synchronized },
    { title: "FAILED", value: (s) => s.items_failed },
    { title: "NO SCOPE", value: (s) => s.items_unmapped },
    ...(report.sources.some((s) => s.reason)
      ? [{ title: "REASON", value: (s: OnceReport["sources"][number]) => s.reason, flexible: true }]
      : []),
  ], width);
}

/** Items that did not reach the platform, those with equal reasons together. */
function problems(items: readonly OnceItem[]): string {
  const rest = items.filter((i) => i.result !== "synchronized");
  const groups = Map.groupBy(rest, (i) => JSON.stringify([i.result, i.source, i.reason]));
  return [...groups.values()].map((group) => {
    const first = group[0];
    if (!first) return "";
    const names = group.slice(0, 5).map((i) => i.dataIdentifier).join(", ");
    const more = group.length > 5 ? ` and ${group.length - 5} more` : "";
    const reason = first.reason ? `\n    ${printable(first.reason)}` : "";
    return `${stateColour(first.result)(first.result)}  ${
      printable(`${first.source}: ${names}`)
    }${more}${reason}\n`;
  }).join("");
}

function planText(item: OnceItem): string {
  const head = `${printable(item.source)}: ${printable(item.dataIdentifier)}`;
  if (!item.plan) return `${head}  ${item.result}${item.reason ? `: ${printable(item.reason)}` : ""}\n`;
  const { dataset, changes, files, skips } = item.plan;
  return [
    `${head}  ${stateColour(item.result)(`dataset: ${dataset}`)}${
      item.reason ? `  ${printable(item.reason)}` : ""
    }`,
    ...changes.map((c) => `    change  ${printable(c)}`),
    ...files.map((f) =>
      `    ${f.action.padEnd(9)} ${printable(f.name)}${f.version_id === null ? "" : ` v${f.version_id}`}  ${
        dim(printable(f.reason))
      }`
    ),
    ...skips.map((s) => `    skip      ${printable(s.path)}  ${dim(printable(s.reason))}`),
  ].join("\n") + "\n";
}

function summary(report: OnceReport): string {
  const of = (result: OnceItem["result"]) => report.items.filter((i) => i.result === result).length;
  if (report.dry_run) return `Dry run: ${count(report.items.length, "item")} looked at, nothing written.`;
  const done = report.items.length === 0 ? "Nothing was due." : [
    `${count(of("synchronized"), "item")} synchronized`,
    ...(of("failed") ? [`${of("failed")} failed`] : []),
    ...(of("unmapped") ? [`${of("unmapped")} without a scope`] : []),
    ...(of("skipped") ? [`${of("skipped")} left for later`] : []),
  ].join(", ") + ".";
  const files = report.files_uploaded > 0
    ? ` ${count(report.files_uploaded, "file")} uploaded (${readableSize(report.bytes_uploaded)}${
      report.files_converted > 0 ? `; ${report.files_converted} of them converted` : ""
    }).`
    : "";
  const ended = report.ended ? ` Ended early: ${report.ended}.` : "";
  return `${done}${files} ${readableDuration(report.duration_ms)}.${ended}`;
}
