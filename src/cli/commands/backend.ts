import { exampleCommand } from "../../kit/config_example.ts";
import type { BackendInfo } from "../../readers/tasks.ts";
import { findBackend, shortName } from "../backend_names.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { keyValues, table } from "../table.ts";

export const backend = (cli: Cli) =>
  command("backend", {
    summary: "The acquisition systems that can be read",
    examples: [
      ["etiket-sync backend list", ""],
      ["etiket-sync backend show qcodes", "its settings, for --set"],
    ],
  }).addCommand(backendList(cli)).addCommand(backendShow(cli));

const backendList = (cli: Cli) =>
  command("list", { summary: "List all backends", examples: [["etiket-sync backend list --json", ""]] })
    .action(() =>
      cli.withAgent(async (agent) => {
        const { backends } = await agent.describe();
        cli.print(backends, () =>
          table(backends, [
            { title: "IDENTIFIER", value: (b) => b.identifier },
            { title: "NAME", value: (b) => b.display_name },
            { title: "VERSION", value: (b) => b.version },
            { title: "SCOPE", value: (b) => b.scope_policy.toLowerCase() },
            { title: "FROM", value: (b) => b.origin, flexible: true },
          ], cli.width));
      })
    );

const backendShow = (cli: Cli) =>
  command("show", {
    summary: "Show the settings of a backend",
    examples: [["etiket-sync backend show folderbase", ""]],
  })
    .argument("<id>", "short or long name")
    .action((id) =>
      cli.withAgent(async (agent) => {
        const { backends } = await agent.describe();
        cli.print(findBackend(id, backends), (b) => backendText(b, cli.width));
      })
    );

function backendText(b: BackendInfo, width: number | undefined): string {
  const facts = keyValues([
    ["identifier", b.identifier],
    ["also called", [shortName(b.identifier), ...b.aliases].join(", ")],
    ["name", b.display_name],
    ["version", b.version],
    ["reads", b.kind === "folder" ? "folders" : "a database"],
    [
      "default scope",
      { REQUIRED: "required", OPTIONAL: "optional", DISABLED: "decided by the backend" }[b.scope_policy],
    ],
    ["scope mapping", b.supports_scope_mapping ? "yes" : "no"],
    ["live", b.live ? "yes" : "no"],
    ["from", b.origin],
  ]);
  const fields = table(b.fields, [
    { title: "SETTING", value: (f) => f.name },
    { title: "TYPE", value: (f) => f.choices?.join("|") ?? f.type },
    {
      title: "DEFAULT",
      value: (f) => f.required ? "required" : f.default === undefined ? "" : JSON.stringify(f.default),
    },
    {
      title: "MEANING",
      value: (f) => f.secret ? `${f.description} (secret: use --secret)` : f.description,
      flexible: true,
    },
  ], width);
  const scope = b.scope_policy === "REQUIRED" ? " --scope default" : "";
  return `${facts}\n${fields}\nExample:\n  ${exampleCommand(shortName(b.identifier), b.fields)}${scope}\n`;
}
