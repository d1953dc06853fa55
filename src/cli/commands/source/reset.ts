import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { count } from "../../readable.ts";

export const sourceReset = (cli: Cli) =>
  command("reset", {
    summary: "Try the failed items of a source again",
    examples: [
      ["etiket-sync source reset raw", "failed items"],
      ["etiket-sync source reset raw --all", "synchronized ones too; unchanged bytes are not sent again"],
    ],
  })
    .argument("<name>", "name of the source")
    .option("--all", "synchronized items too")
    .action((name, options) =>
      cli.withAgent(async (agent) => {
        const changed = await agent.sources.reset(name, options.all ?? false);
        cli.print({ source: name, items_reset: changed }, () =>
          `${count(changed, "item")} will be tried again.`);
      })
    );
