import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { count } from "../../readable.ts";

export const sourceAutoassign = (cli: Cli) =>
  command("autoassign", {
    summary: "Map scope identifiers to scopes of the same name",
    description: "Upper and lower case are the same; where two scopes have the name, none is taken.",
    examples: [["etiket-sync source autoassign fridge1", ""]],
  })
    .argument("<name>", "name of the source")
    .action((name) =>
      cli.withAgent(async (agent) => {
        const made = await agent.mappings.autoassign(name);
        cli.print(
          { source: name, mappings_made: made, unmapped: agent.mappings.unmapped(name) },
          (r) =>
            `${count(made, "mapping")} made, ${count(r.unmapped.length, "identifier")} left without a scope.`,
        );
      })
    );
