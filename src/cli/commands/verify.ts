import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { onInterrupt } from "../interrupt.ts";
import { ProgressLine } from "../progress.ts";
import { count, readableDuration, readableSize } from "../readable.ts";
import { table } from "../table.ts";

export const verify = (cli: Cli) =>
  command("verify", {
    summary: "Read back what is on the platform and compare it with what was uploaded",
    description: "Size, md5 and SHA-256 of every file version; exit code 3 when something differs.",
    examples: [["etiket-sync verify", "everything"], ["etiket-sync verify --source fridge1", "one source"]],
  })
    .option("--source <name>", "only what came from this source")
    .action((options) =>
      cli.withAgent(async (agent) => {
        const { verify } = await import("../../engine/inquiry/verify.ts");
        const line = new ProgressLine(cli.interactive);
        const interrupt = onInterrupt();
        try {
          const report = await verify(agent, {
            ...(options.source === undefined ? {} : { source: options.source }),
            signal: interrupt.signal,
            onProgress: (p) =>
              line.show(`checked ${count(p.checked, "file")}, ${readableSize(p.bytes)}`, p.current),
          });
          line.clear();
          cli.print(report, (r) => {
            const head = `${count(r.checked, "file version")} read back (${readableSize(r.bytes)}) in ` +
              `${readableDuration(r.duration_ms)}: `;
            if (r.differences.length === 0) return `${head}all as uploaded.`;
            return `${head}${count(r.differences.length, "difference")}\n\n` + table(r.differences, [
              { title: "SOURCE", value: (d) => d.source },
              { title: "ITEM", value: (d) => d.dataIdentifier, flexible: true },
              { title: "FILE", value: (d) => d.name, flexible: true },
              { title: "VERSION", value: (d) => d.version_id },
              { title: "PROBLEM", value: (d) => d.problem },
            ], cli.width);
          });
          if (report.differences.length > 0) cli.exitCode = EXIT.someFailed;
        } finally {
          line.clear();
          interrupt.done();
        }
      })
    );
