import { SyncError } from "../../../kit/errors.ts";
import { backendNamed } from "../../backend_names.ts";
import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { sourceCard } from "../../source_text.ts";
import { collect, collectAssignments, configFromOptions } from "./options.ts";

export const sourceUpdate = (cli: Cli) =>
  command("update", {
    summary: "Change the settings or the scope of a source",
    description: "Settings that are not named stay as they are; nothing is changed when one is invalid.",
    examples: [
      ["etiket-sync source update raw --set level=2", "one setting"],
      ["etiket-sync source update raw --scope projectX", "its datasets move there"],
    ],
  })
    .argument("<name>", "name of the source")
    .option("--set <key=value...>", "one setting; can be repeated", collectAssignments)
    .option("--unset <key>", "back to the default of a setting; can be repeated", collect)
    .option(
      "--secret <name>",
      "ask for a secret setting, or read it from standard input",
      collect,
    )
    .option("--rename <new name>", "give it another name")
    .option("--scope <name>", "default scope: name or uuid")
    .option("--no-scope", "no default scope")
    .option("--autoassign", "map scope identifiers to scopes of the same name")
    .option("--no-autoassign", "do not")
    .action((name, options) =>
      cli.withAgent(async (agent) => {
        const before = agent.sources.get(name);
        const { backends } = await agent.describe();
        const given = await configFromOptions(cli, backendNamed(before.backend, backends), options, false);
        // Null takes a setting away.
        const config = { ...given, ...Object.fromEntries((options.unset ?? []).map((key) => [key, null])) };
        const scope = options.scope === false ? null : options.scope;
        const patch = {
          ...(options.rename === undefined ? {} : { name: options.rename }),
          ...(Object.keys(config).length > 0 ? { config } : {}),
          ...(scope === undefined ? {} : { scope }),
          ...(options.autoassign === undefined ? {} : { autoassign: options.autoassign }),
        };
        if (Object.keys(patch).length === 0) {
          throw new SyncError("usage", "nothing_to_update", `nothing to change in "${name}" was given`, {
            hint: "See `etiket-sync source update --help`.",
          });
        }
        cli.print(await agent.sources.update(name, patch), sourceCard);
      })
    );

export const sourceRename = (cli: Cli) =>
  command("rename", {
    summary: "Give a source another name",
    examples: [["etiket-sync source rename raw fridge1_raw", "its items and history stay"]],
  })
    .argument("<name>", "name of the source")
    .argument("<new name>", "the new one")
    .action((name, newName) =>
      cli.withAgent(async (agent) =>
        cli.print(await agent.sources.update(name, { name: newName }), sourceCard)
      )
    );
