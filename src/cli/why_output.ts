/** The chain of decisions as people read it. */
import type { WhyReport } from "../engine/why.ts";
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
      const what = f.action === "skipped"
        ? `left out: ${f.skip_reason ?? ""}`
        : `${f.status}, version ${f.version_id ?? "–"}`;
      lines.push(`  ${printable(f.name)}  ${dim(printable(what))}`);
    }
  }
  return lines.join("\n");
}
