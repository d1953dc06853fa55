import { didYouMean } from "../../kit/did_you_mean.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { keyValues, table } from "../table.ts";

export const converter = (cli: Cli) =>
  command("converter", {
    summary: "Conversions that can run before upload",
    examples: [["etiket-sync converter list", ""]],
  }).addCommand(converterList(cli)).addCommand(converterShow(cli));

const converterList = (cli: Cli) =>
  command("list", { summary: "List all converters", examples: [["etiket-sync converter list --json", ""]] })
    .action(() =>
      cli.withAgent(async (agent) => {
        const { converters } = await agent.describe();
        cli.print(converters, () =>
          table(converters, [
            { title: "ID", value: (c) => c.id },
            { title: "FROM", value: (c) => `.${c.input}${c.folder ? " folder" : ""}` },
            { title: "TO", value: (c) => `.${c.output}` },
            { title: "RUNS", value: (c) => c.auto ? "on every such file" : "when asked for" },
            { title: "VERSION", value: (c) => c.version },
            { title: "ORIGIN", value: (c) => c.origin, flexible: true },
          ], cli.width));
      })
    );

const converterShow = (cli: Cli) =>
  command("show", {
    summary: "Show one converter",
    examples: [["etiket-sync converter show csv_to_hdf5", ""]],
  })
    .argument("<id>", "its id or an older name")
    .action((id) =>
      cli.withAgent(async (agent) => {
        const { converters } = await agent.describe();
        const found = converters.find((c) => c.id === id) ?? converters.find((c) => c.aliases.includes(id));
        if (!found) {
          const near = didYouMean(id, converters.map((c) => c.id));
          throw new SyncError("usage", "converter_not_found", `there is no converter "${id}"`, {
            hint: near ? `Did you mean ${near}?` : "See `etiket-sync converter list`.",
          });
        }
        cli.print(found, (c) =>
          keyValues([
            ["id", c.id],
            ["also called", c.aliases.join(", ")],
            ["version", c.version],
            ["from", `.${c.input} ${c.folder ? "folders" : "files"}`],
            ["to", `.${c.output}`],
            ["runs", c.auto ? "on every such file of a folder source" : "where an info file asks for it"],
            ["in an info file", `converters: {${c.input}_to_${c.output}_converter: ${c.id}}`],
            ["origin", c.origin],
          ]));
      })
    );
