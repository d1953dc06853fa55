import type { Finding } from "../../engine/inquiry/doctor.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { count, printable } from "../readable.ts";
import { bold, dim, stateColour } from "../style.ts";

export const doctor = (cli: Cli) =>
  command("doctor", {
    summary: "Check this computer, the platform and the sources, with a fix for each problem",
    examples: [["etiket-sync doctor", ""], [
      "etiket-sync doctor --json",
      "for monitoring; exit code 3 on a problem",
    ]],
  }).action(async () => {
    const { doctor } = await import("../../engine/inquiry/doctor.ts");
    let openError: SyncError | null = null;
    const agent = await cli.openAgent().catch((e) => {
      openError = SyncError.from(e);
      return null;
    });
    try {
      const report = await doctor({ home: cli.home, agent, openError });
      cli.print(report, ({ checks }) => {
        const bad = checks.filter((c) => c.status !== "ok").length;
        const end = bad === 0 ? "All is well." : `${count(bad, "finding")}.`;
        return `${checks.map(findingText).join("\n")}\n\n${end}`;
      });
      if (report.status === "fail") cli.exitCode = EXIT.someFailed;
    } finally {
      await agent?.close();
    }
  });

function findingText(f: Finding): string {
  const mark = stateColour(f.status)(f.status.padEnd(4));
  const title = f.subject === undefined ? f.title : `${f.title}: ${f.subject}`;
  const fix = f.fix ? `\n      → ${printable(f.fix)}` : "";
  return `${mark}  ${bold(printable(title))}  ${dim(printable(f.detail))}${fix}`;
}
