import { SyncError } from "../../kit/errors.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { scopeObject } from "../dataset_text.ts";
import { keyValues, table } from "../table.ts";

export const scope = (cli: Cli) =>
  command("scope", {
    summary: "The platform's project folders",
    examples: [
      ["etiket-sync scope list", "where datasets can go"],
      ["etiket-sync scope create projectX", ""],
    ],
  }).addCommand(scopeList(cli)).addCommand(scopeCreate(cli));

const scopeList = (cli: Cli) =>
  command("list", {
    summary: "List the scopes you may use",
    examples: [["etiket-sync scope list --json", ""]],
  })
    .option("--query <text>", "whose name contains this")
    .action((options) =>
      cli.withAgent(async (agent) => {
        const scopes = await agent.client.scopes(options.query);
        cli.print(scopes.map(scopeObject), () =>
          scopes.length === 0 ? "No such scope. Make one: etiket-sync scope create NAME" : table(scopes, [
            {
              title: "NAME",
              value: (s) => s.name,
              flexible: true,
            },
            { title: "UUID", value: (s) => s.uid },
            { title: "STATE", value: (s) => s.is_archived ? "archived" : "active" },
            { title: "DESCRIPTION", value: (s) => s.description, flexible: true },
          ], cli.width));
      })
    );

const scopeCreate = (cli: Cli) =>
  command("create", { summary: "Make a scope", examples: [["etiket-sync scope create projectX", ""]] })
    .argument("<name>", "4 to 100 characters")
    .option("--uuid <uuid>", "use this uuid (default: a new one)")
    .option("--description <text>", "what it is for", "")
    .action((name, options) =>
      cli.withAgent(async (agent) => {
        if (options.uuid !== undefined && !UUID.test(options.uuid)) {
          throw new SyncError("usage", "uuid_invalid", `"${options.uuid}" is no uuid`, {
            hint: "Leave --uuid out to get a new one.",
          });
        }
        const made = await agent.client.createScope({
          uid: options.uuid?.toLowerCase() ?? crypto.randomUUID(),
          name,
          description: options.description,
        });
        cli.print(
          made,
          (s) => keyValues([["scope", s.name], ["uuid", s.uid], ["description", s.description]]),
        );
      })
    );

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
