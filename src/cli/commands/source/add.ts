import { backendNamed } from "../../backend_names.ts";
import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";
import { runningAgent } from "../../running_agent.ts";
import { sourceCard } from "../../source_text.ts";
import { collect, collectAssignments, configFromOptions } from "./options.ts";

export const sourceAdd = (cli: Cli) =>
  command("add", {
    summary: "Add a source",
    examples: [
      [
        "etiket-sync source add fridge1 --backend qcodes --set database_path=~/fridge1.db --set set_up=fridge1",
        "QCoDeS",
      ],
      [
        "etiket-sync source add raw --backend folderbase --set root_directory=/data --set is_server_folder=false " +
        "--scope default",
        "folders with an info file",
      ],
    ],
  })
    .argument("<name>", "a name of your choice")
    .requiredOption("--backend <id>", "the acquisition system, see `backend list`")
    .option(
      "--set <key=value...>",
      "one setting, see `backend show ID`; can be repeated",
      collectAssignments,
    )
    .option(
      "--secret <name>",
      "ask for a secret setting, or read it from standard input",
      collect,
    )
    .option("--scope <name>", "default scope: name or uuid")
    .option("--autoassign", "map scope identifiers to scopes of the same name")
    .action((name, options) =>
      cli.withAgent(async (agent) => {
        const { backends } = await agent.describe();
        const config = await configFromOptions(cli, backendNamed(options.backend, backends), options, true);
        const source = await agent.sources.add({
          name,
          backend: options.backend,
          config,
          ...(options.scope === undefined ? {} : { scope: options.scope }),
          ...(options.autoassign ? { autoassign: true } : {}),
        });
        cli.print(source, sourceCard);
        cli.say(
          await runningAgent(cli.home)
            ? "The serving agent takes it up; follow it with: etiket-sync watch"
            : "Next: etiket-sync once --dry-run, or etiket-sync serve",
        );
      })
    );
