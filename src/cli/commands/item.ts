import { Option } from "@commander-js/extra-typings";
import type { ItemStatus } from "../../engine/views.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { itemCard, itemTable } from "../item_text.ts";
import { atLeastOne, wholeNumber } from "../numbers.ts";
import { count } from "../readable.ts";
import { recordText } from "../record_text.ts";

const STATUSES = ["pending", "synchronized", "error", "no_mapping"] as const satisfies readonly ItemStatus[];

export const item = (cli: Cli) =>
  command("item", {
    summary: "Single measurements: list, look into, try again",
    examples: [
      ["etiket-sync item list --status error", "what failed, and why"],
      ["etiket-sync item show 12", "its history"],
    ],
  })
    .addCommand(itemList(cli))
    .addCommand(itemShow(cli))
    .addCommand(itemPrioritize(cli))
    .addCommand(itemReset(cli));

const itemList = (cli: Cli) =>
  command("list", {
    summary: "List items, newest first within their source",
    examples: [
      ["etiket-sync item list --status error", "what failed"],
      ["etiket-sync item list --source fridge1 --query 2024-11 --json", "for scripts"],
    ],
  })
    .option("--source <name>", "of one source")
    .addOption(new Option("--status <status>", "with one status").choices(STATUSES))
    .option("--query <text>", "whose name contains this")
    .option("--limit <n>", "at most so many (default: all with --json, else 50)", atLeastOne)
    .option("--offset <n>", "skip so many", wholeNumber, 0)
    .action((options) =>
      cli.withAgent((agent) => {
        const limit = options.limit ?? (cli.globals.json ? undefined : 50);
        const items = agent.items.list({
          ...(options.source === undefined ? {} : { source: options.source }),
          ...(options.status === undefined ? {} : { status: options.status }),
          ...(options.query === undefined ? {} : { query: options.query }),
          ...(limit === undefined ? {} : { limit }),
          offset: options.offset,
        });
        cli.print(items, () => items.length > 0 ? itemTable(items, cli.width) : "No such items.");
        if (!cli.globals.json && items.length === limit) {
          cli.say(`Only ${count(limit, "item")} shown; --limit and --offset show more.`);
        }
      })
    );

const itemShow = (cli: Cli) =>
  command("show", {
    summary: "Show one item with its files and the history of its runs",
    examples: [["etiket-sync item show 12 --json", "with the whole sync record"]],
  })
    .argument("<id>", "number from `item list`", wholeNumber)
    .action((id) =>
      cli.withAgent(async (agent) => {
        const { loadRecord } = await import("../../engine/item/sync_record.ts");
        cli.print(
          agent.items.get(id),
          (i) => itemCard(i) + recordText(loadRecord(agent.catalog.items.record(id))),
        );
      })
    );

const itemPrioritize = (cli: Cli) =>
  command("prioritize", {
    summary: "Sync one item before all others",
    description: "A synchronized item is checked again.",
    examples: [["etiket-sync item prioritize 12", ""]],
  })
    .argument("<id>", "number from `item list`", wholeNumber)
    .action((id) =>
      cli.withAgent(async (agent) => {
        await agent.items.prioritize(id);
        cli.print(withoutRecord(agent.items.get(id)), itemCard);
      })
    );

const itemReset = (cli: Cli) =>
  command("reset", {
    summary: "Try a failed item again as if for the first time",
    description: "Unchanged bytes are not sent again.",
    examples: [["etiket-sync item reset 12", ""]],
  })
    .argument("<id>", "number from `item list`", wholeNumber)
    .action((id) =>
      cli.withAgent(async (agent) => {
        await agent.items.reset(id);
        cli.print(withoutRecord(agent.items.get(id)), itemCard);
      })
    );

function withoutRecord<T extends { sync_record: unknown }>(detail: T): Omit<T, "sync_record"> {
  const { sync_record: _, ...rest } = detail;
  return rest;
}
