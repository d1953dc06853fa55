import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { printable } from "../../readable.ts";

export const sourceRemove = (cli: Cli) =>
  command("remove", {
    summary: "Forget a source; its files and what is on the platform stay",
    examples: [["etiket-sync source remove raw", "adding it again finds its datasets again"]],
  })
    .argument("<name>", "name of the source")
    .action((name) =>
      cli.withAgent(async (agent) => {
        await agent.sources.remove(name);
        cli.print({ removed: name }, () => `Removed source ${printable(name)}.`);
      })
    );
