import type { Settings } from "../../engine/settings.ts";
import { backendNamed } from "../backend_names.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { keyValues } from "../table.ts";

export const config = (cli: Cli) =>
  command("config", {
    summary: "The configuration file and what it may hold",
    examples: [
      ["etiket-sync config show", "what is in force"],
      ["etiket-sync config schema > config.schema.json", "for your editor"],
    ],
  }).addCommand(configShow(cli)).addCommand(configSchema(cli));

const configShow = (cli: Cli) =>
  command("show", {
    summary: "Show the settings in force, defaults included",
    examples: [["etiket-sync config show --json", ""]],
  }).action(async () => {
    const { join, resolve } = await import("node:path");
    const { readSettings } = await import("../../engine/settings.ts");
    const given = cli.globals.config;
    const file = given ? resolve(given) : join(cli.home, "config.toml");
    const settings = await withoutSecrets(cli, readSettings(file, given !== undefined));
    cli.print(
      { home: cli.home, config_file: file, settings },
      (d) =>
        keyValues([
          ["state folder", d.home],
          ["config file", d.config_file],
          ...flatten(d.settings).map(([key, value]) => [key, JSON.stringify(value)] as const),
        ]),
    );
  });

const configSchema = (cli: Cli) =>
  command("schema", {
    summary: "Print the JSON Schema of the configuration file",
    examples: [["etiket-sync config schema > config.schema.json", ""]],
  }).action(async () => {
    const { settingsJsonSchema } = await import("../../engine/settings.ts");
    cli.print(settingsJsonSchema(), (schema) => JSON.stringify(schema, null, 2));
  });

/** Which settings of a source are secret is known to its backend; of one that is not installed nothing is shown. */
async function withoutSecrets(cli: Cli, settings: Settings): Promise<Settings> {
  if (settings.sources.every(({ config }) => Object.keys(config).length === 0)) return settings;
  const { withoutSecrets } = await import("../../engine/sources/source_secrets.ts");
  const { backends } = await cli.withAgent((agent) => agent.describe());
  const sources = settings.sources.map((source) => {
    const fields = backendNamed(source.backend, backends)?.fields;
    return { ...source, config: fields ? withoutSecrets(fields, source.config) : {} };
  });
  return { ...settings, sources };
}

/** `{a: {b: 1}}` → `[["a.b", 1]]`. */
function flatten(value: Record<string, unknown>, prefix = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([key, v]): [string, unknown][] =>
    typeof v === "object" && v !== null && !Array.isArray(v)
      ? flatten({ ...v }, `${prefix}${key}.`)
      : [[prefix + key, v]]
  );
}
