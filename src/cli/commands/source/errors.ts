import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { errorList } from "../../error_text.ts";
import { wholeNumber } from "../../numbers.ts";

export const sourceErrors = (cli: Cli) =>
  command("errors", {
    summary: "Failures to look into a source, newest first",
    description: "Failures of single items are in `item show ID`.",
    examples: [["etiket-sync source errors raw --unread", ""]],
  })
    .argument("<name>", "name of the source")
    .option("--unread", "only those nobody has looked at")
    .option("--limit <n>", "at most so many", wholeNumber, 10)
    .option("--offset <n>", "skip so many", wholeNumber, 0)
    .action((name, options) =>
      cli.withAgent((agent) => {
        const errors = agent.sources.errors(name, {
          ...(options.unread ? { viewed: false } : {}),
          skip: options.offset,
          limit: options.limit,
        });
        cli.print(errors, (list) => errorList(list.map((e) => ({ ...e, source: name }))));
      })
    );
