import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { printable } from "../../readable.ts";
import { sourceCard } from "../../source_text.ts";

export const sourceMap = (cli: Cli) =>
  command("map", {
    summary: "Send the items of one scope identifier to a scope",
    examples: [["etiket-sync source map fridge1 sample_A projectX", "items of sample_A go to projectX"]],
  })
    .argument("<name>", "name of the source")
    .argument("<identifier>", "the source's own name for a project, see `source unmapped`")
    .argument("<scope>", "scope: name or uuid")
    .action((name, identifier, scope) =>
      cli.withAgent(async (agent) => {
        await agent.mappings.set(name, identifier, scope);
        cli.print(agent.sources.get(name), sourceCard);
      })
    );

export const sourceUnmap = (cli: Cli) =>
  command("unmap", {
    summary: "Remove a mapping; what is on the platform stays",
    examples: [["etiket-sync source unmap fridge1 sample_A", ""]],
  })
    .argument("<name>", "name of the source")
    .argument("<identifier>", "the identifier that was mapped")
    .action((name, identifier) =>
      cli.withAgent(async (agent) => {
        await agent.mappings.remove(name, identifier);
        cli.print(agent.sources.get(name), sourceCard);
      })
    );

export const sourceUnmapped = (cli: Cli) =>
  command("unmapped", {
    summary: "List scope identifiers whose items wait for a scope",
    examples: [["etiket-sync source unmapped fridge1", ""]],
  })
    .argument("<name>", "name of the source")
    .action((name) =>
      cli.withAgent((agent) =>
        cli.print(agent.mappings.unmapped(name), (identifiers) =>
          identifiers.length > 0 ? identifiers.map(printable).join("\n") : "Every item has a scope.")
      )
    );
