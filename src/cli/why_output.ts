/** The chain of decisions as people read it. */
import type { WhyReport } from "../engine/inquiry/why.ts";
import { printable } from "./readable.ts";
import { dim } from "./style.ts";

export function whyText(report: WhyReport): string {
  const lines = report.steps.flatMap((s) => [
    `• ${printable(s.text)}  ${dim(`[${printable(s.code)}]`)}`,
    ...(s.hint ? [`  → ${printable(s.hint)}`] : []),
  ]);
  if (report.file === null && report.uploads.length > 0) {
    lines.push("Files:");
    for (const f of report.uploads) {
      lines.push(
        `  ${printable(f.name)}  ${dim(f.status === "OK" ? `version ${f.version_id ?? "–"}` : "failed")}`,
      );
    }
  }
  if (report.file === null && report.skips.length > 0) {
    lines.push("Left out:");
    for (const s of report.skips) lines.push(`  ${printable(s.path)}  ${dim(printable(s.rule ?? s.reason))}`);
  }
  return lines.join("\n");
}
