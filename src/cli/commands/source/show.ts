import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { sourceDetail } from "../../source_text.ts";

export const sourceShow = (cli: Cli) =>
  command("show", {
    summary: "Show one source: settings, counts, mappings, and what belongs to no item",
    examples: [["etiket-sync source show fridge1", "for people"]],
  })
    .argument("<name>", "name of the source")
    .action((name) => cli.withAgent((agent) => cli.print(agent.sources.get(name), sourceDetail)));
