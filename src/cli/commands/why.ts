import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { whyText } from "../why_output.ts";

export const why = (cli: Cli) =>
  command("why", {
    summary: "Explain why a path or item is, or is not, on the platform",
    examples: [
      ["etiket-sync why ~/data/2024-11-06/run1/data.csv", "a file or folder"],
      ["etiket-sync why 12", "an item by its id, name or dataset uuid"],
    ],
  })
    .argument("<target>", "path, item id, item name or dataset uuid")
    .action((target) =>
      cli.withAgent(async (agent) => {
        const { why } = await import("../../engine/inquiry/why.ts");
        cli.print(await why(agent, target), whyText);
      })
    );
