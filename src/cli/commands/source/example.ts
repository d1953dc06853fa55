import { exampleCommand, exampleConfig } from "../../../kit/config_example.ts";
import { findBackend, shortName } from "../../backend_names.ts";
import type { Cli } from "../../cli.ts";
import { command } from "../../command.ts";

export const sourceExample = (cli: Cli) =>
  command("example", {
    summary: "Print a command that adds a source, to copy and edit",
    examples: [["etiket-sync source example folderbase", ""]],
  })
    .argument("<backend>", "short or long name, see `backend list`")
    .action((name) =>
      cli.withAgent(async (agent) => {
        const { backends } = await agent.describe();
        const backend = findBackend(name, backends);
        const scope = backend.scope_policy === "REQUIRED" ? " --scope default" : "";
        cli.print(
          {
            backend: backend.identifier,
            config_data: exampleConfig(backend.fields),
            command: exampleCommand(shortName(backend.identifier), backend.fields) + scope,
          },
          (example) => example.command,
        );
      })
    );
