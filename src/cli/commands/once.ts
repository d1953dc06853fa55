import type { OnceReport } from "../../engine/views.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { onInterrupt } from "../interrupt.ts";
import { atLeastOne, positiveNumber } from "../numbers.ts";
import { onceText, progressText } from "../once_text.ts";
import { ProgressLine } from "../progress.ts";
import { sourceFromOptions } from "./once_source.ts";
import { collect, collectAssignments } from "./source/options.ts";

export const once = (cli: Cli) =>
  command("once", {
    summary: "Sync everything that is due, then exit",
    examples: [
      ["etiket-sync once", "all sources"],
      ["etiket-sync once --dry-run", "what would be done and why; nothing is written"],
      [
        "etiket-sync once --backend qcodes --set database_path=~/experiments.db set_up=fridge1",
        "a source named right here",
      ],
    ],
  })
    .option("--source <name>", "only this source; can be repeated", collect)
    .option("--iterations <n>", "so many discovery rounds (default: until nothing is due)", atLeastOne)
    .option(
      "--timeout <seconds>",
      "end after so many seconds; what is left waits for the next run",
      positiveNumber,
    )
    .option("--dry-run", "say what would be done and why, write nothing")
    .option("--backend <id>", "sync a source that is named here; it is created unless there is an equal one")
    .option(
      "--set <key=value...>",
      "with --backend: one setting; can be repeated",
      collectAssignments,
    )
    .option(
      "--secret <name>",
      "with --backend: a setting to ask for or read from standard input",
      collect,
    )
    .option("--scope <name>", "with --backend: default scope, name or uuid")
    .option("--autoassign", "with --backend: map scope identifiers to scopes of the same name")
    .option("--name <name>", "with --backend: what to call a new source")
    .action(async (options) => {
      refuseContradictions(options);
      await cli.withAgent(async (agent) => {
        const { backend } = options;
        const named = backend === undefined
          ? null
          : await sourceFromOptions(cli, agent, { ...options, backend });
        const line = new ProgressLine(cli.interactive);
        const interrupt = onInterrupt();
        try {
          const report = await agent.once({
            ...(named ? { sources: [named.source.name] } : options.source ? { sources: options.source } : {}),
            ...(options.iterations === undefined ? {} : { iterations: options.iterations }),
            ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 }),
            dryRun: options.dryRun ?? false,
            signal: interrupt.signal,
            onProgress: (p) => line.show(progressText(p), p.current),
          });
          line.clear();
          cli.print(report, (r) => onceText(r, cli.width));
          cli.exitCode = interrupt.signal.aborted ? EXIT.interrupted : exitCode(report);
        } finally {
          line.clear();
          interrupt.done();
          // A dry run leaves nothing behind, not even the source it was made for.
          if (options.dryRun && named?.isNew) await agent.sources.remove(named.source.name);
        }
      });
    });

type SourceOptions = Partial<
  Record<"backend" | "source" | "set" | "secret" | "scope" | "autoassign" | "name", unknown>
>;

function refuseContradictions(o: SourceOptions): void {
  if (o.backend !== undefined && o.source !== undefined) {
    throw new SyncError("usage", "options_conflict", "--backend and --source cannot be used together", {
      hint: "Use --source for sources that exist already.",
    });
  }
  if (
    o.backend === undefined && [o.set, o.secret, o.scope, o.autoassign, o.name].some((v) => v !== undefined)
  ) {
    throw new SyncError(
      "usage",
      "options_conflict",
      "--set, --secret, --scope, --autoassign and --name need --backend",
      {
        hint: "To change a source that exists: etiket-sync source update NAME --set key=value",
      },
    );
  }
}

function exitCode(report: OnceReport): number {
  const failed = report.items.some((i) => i.result === "failed") ||
    report.sources.some((s) => s.status === "error");
  return failed ? EXIT.someFailed : EXIT.ok;
}
