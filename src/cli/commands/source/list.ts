import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { sourceTable } from "../../source_text.ts";

export const sourceList = (cli: Cli) =>
  command("list", {
    summary: "List all sources",
    examples: [["etiket-sync source list --json", "for scripts"]],
  })
    .action(() =>
      cli.withAgent((agent) =>
        cli.print(
          agent.sources.list(),
          (sources) =>
            sources.length > 0
              ? sourceTable(sources, cli.width)
              : "No sources yet. `etiket-sync source example qcodes` shows how to add one.",
        )
      )
    );
