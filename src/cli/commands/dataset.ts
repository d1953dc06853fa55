import type { Agent } from "../../engine/agent.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Dataset } from "../../platform/client.ts";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { datasetDetail, datasetObject, datasetTable } from "../dataset_text.ts";
import { onInterrupt } from "../interrupt.ts";
import { atLeastOne } from "../numbers.ts";
import { bar, ProgressLine } from "../progress.ts";
import { count, printable, readableSize } from "../readable.ts";

export const dataset = (cli: Cli) =>
  command("dataset", {
    summary: "What is on the platform: list, show, download",
    examples: [
      ["etiket-sync dataset list", "newest first"],
      ["etiket-sync dataset download UUID --to ./run1", "its newest files"],
    ],
  }).addCommand(datasetList(cli)).addCommand(datasetShow(cli)).addCommand(datasetDownload(cli));

const datasetList = (cli: Cli) =>
  command("list", {
    summary: "List datasets, newest first",
    examples: [
      ["etiket-sync dataset list --query fridge1", "words in name, description, notes, keywords"],
      ["etiket-sync dataset list --scope projectX --json", "with all files and versions"],
    ],
  })
    .option("--query <text>", "words that must begin a word of name, description, notes or keywords")
    .option("--scope <name>", "in one scope: name or uuid")
    .option("--limit <n>", "at most so many (default: all with --json, else 50)", atLeastOne)
    .action((options) =>
      cli.withAgent(async (agent) => {
        const limit = options.limit ?? (cli.globals.json ? Infinity : 50);
        const scope = options.scope === undefined ? undefined : await scopeNamed(agent, options.scope);
        const datasets = await search(agent, options.query, scope, limit);
        cli.print(
          datasets.map(datasetObject),
          () => datasets.length > 0 ? datasetTable(datasets, cli.width) : "No such datasets.",
        );
        if (!cli.globals.json && datasets.length === limit) {
          cli.say(`Only ${count(limit, "dataset")} shown; --limit shows more.`);
        }
      })
    );

const datasetShow = (cli: Cli) =>
  command("show", {
    summary: "Show one dataset with its files",
    examples: [["etiket-sync dataset show UUID --json", "with all versions"]],
  })
    .argument("<uuid>", "uuid of the dataset")
    .action((uuid) =>
      cli.withAgent(async (agent) => {
        const found = await read(agent, uuid);
        cli.print(datasetObject(found), () => datasetDetail(found));
      })
    );

const datasetDownload = (cli: Cli) =>
  command("download", {
    summary: "Download the newest version of every file of a dataset",
    description: "Each file is checked before it gets its name.",
    examples: [["etiket-sync dataset download UUID --to ./run1", ""]],
  })
    .argument("<uuid>", "uuid of the dataset")
    .requiredOption("--to <dir>", "folder to write to; made when missing")
    .action((uuid, options) =>
      cli.withAgent(async (agent) => {
        const { downloadDataset } = await import("../download/download_dataset.ts");
        const found = await read(agent, uuid);
        const line = new ProgressLine(cli.interactive);
        const interrupt = onInterrupt();
        try {
          const files = await downloadDataset(agent, found, options.to, {
            signal: interrupt.signal,
            onProgress: (p) =>
              line.show(
                `${bar(p.files, p.of)} ${p.files}/${p.of} files, ${readableSize(p.bytes)}`,
                p.current,
              ),
          });
          line.clear();
          cli.print(
            files,
            () => files.map((f) => `${printable(f.path)}  ${readableSize(f.size)}\n`).join(""),
          );
          const names = new Set(found.files.map((f) => f.name));
          if (names.size > files.length) {
            cli.warn(
              `${count(names.size - files.length, "file")} not downloaded: not completely uploaded yet`,
            );
          }
        } finally {
          line.clear();
          interrupt.done();
        }
      })
    );

/** The platform gives at most 1,000 a page. */
const PAGE = 1000;

async function search(
  agent: Agent,
  query: string | undefined,
  scope: string | undefined,
  limit: number,
): Promise<Dataset[]> {
  // By uuid: a dataset that is added meanwhile moves others onto the next page.
  const found = new Map<string, Dataset>();
  for (let offset = 0; found.size < limit;) {
    const page = await agent.client.searchDatasets(
      { search_query: query ?? null, scope_uuids: scope === undefined ? null : [scope] },
      { offset, limit: Math.min(PAGE, limit - found.size) },
    );
    for (const d of page) found.set(d.uuid, d);
    offset += page.length;
    if (page.length === 0) break;
  }
  return [...found.values()];
}

async function scopeNamed(agent: Agent, name: string): Promise<string> {
  const { findScope } = await import("../../engine/sources/scopes.ts");
  return await findScope(agent.client, name);
}

async function read(agent: Agent, uuid: string): Promise<Dataset> {
  const found = /^[0-9a-f-]{36}$/i.test(uuid) ? await agent.client.readDataset(uuid.toLowerCase()) : null;
  if (found) return found;
  throw new SyncError("usage", "dataset_not_found", `there is no dataset "${uuid}"`, {
    hint: "List them with: etiket-sync dataset list",
  });
}
