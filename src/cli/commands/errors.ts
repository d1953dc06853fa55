import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { errorList } from "../error_text.ts";
import { atLeastOne, wholeNumber } from "../numbers.ts";

export const errors = (cli: Cli) =>
  command("errors", {
    summary: "Failures of the agent and of its sources, newest first",
    description: "Failures of single items: etiket-sync item list --status error",
    examples: [["etiket-sync errors --unread", "that nobody has looked at"]],
  })
    .option("--unread", "only those nobody has looked at")
    .option("--limit <n>", "at most so many", atLeastOne, 10)
    .option("--offset <n>", "skip so many", wholeNumber, 0)
    .action((options) =>
      cli.withAgent(async (agent) => {
        const { errorView } = await import("../../engine/sources/source_view.ts");
        const names = new Map(agent.sources.list().map((s) => [s.id, s.name]));
        const list = agent.catalog.errors.list(undefined, {
          ...(options.unread ? { viewed: false } : {}),
          skip: options.offset,
          limit: options.limit,
        }).map((row) => ({
          ...errorView(row),
          source: row.source_id === null ? null : names.get(row.source_id) ?? null,
        }));
        cli.print(list, errorList);
      })
    );
