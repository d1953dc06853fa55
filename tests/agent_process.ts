/** The real command line in processes of its own, with typed documents, on a throwaway state folder beside the data. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { z } from "zod";
import { newestVersions } from "../src/cli/download/download_dataset.ts";
import { type Outcome, runCli } from "../src/cli/test_cli.ts";
import { readBack } from "../src/engine/item/read_back.ts";
import { systemEnv } from "../src/env.ts";
import { openHub } from "../src/hub/open_hub.ts";
import { type PlatformClient, platformClient } from "../src/platform/client.ts";
import { inProcessTransport } from "../src/platform/transport_in_process.ts";
import { assert, assertEquals } from "./assert.ts";
import { ServingProcess } from "./serving_process.ts";

export const OnceSchema = z.object({
  sources: z.array(z.object({
    name: z.string(),
    backend: z.string(),
    status: z.string(),
    items_total: z.number(),
    items_synchronized: z.number(),
    items_failed: z.number(),
    items_unmapped: z.number(),
  })),
  items: z.array(z.object({
    source: z.string(),
    dataIdentifier: z.string(),
    datasetUUID: z.string(),
    result: z.enum(["synchronized", "failed", "skipped", "unmapped", "live"]),
    reason: z.string().nullable(),
    plan: z.object({
      dataset: z.string(),
      files: z.array(z.object({ name: z.string(), action: z.string(), reason: z.string() })),
      skips: z.array(z.object({ path: z.string(), reason: z.string() })),
    }).optional(),
  })),
  files_uploaded: z.number(),
  bytes_uploaded: z.number(),
  files_unchanged: z.number(),
});
export type OnceDocument = z.infer<typeof OnceSchema>;

const Reason = z.object({
  code: z.string(),
  class: z.string(),
  message: z.string(),
  hint: z.string(),
});
const Item = z.object({
  id: z.number(),
  source: z.string(),
  dataIdentifier: z.string(),
  datasetUUID: z.string(),
  status: z.enum(["pending", "synchronized", "error", "no_mapping"]),
  state: z.string(),
  attempts: z.number(),
  reason: Reason.nullable(),
  next_attempt_at: z.string().nullable(),
  scope_identifier: z.string().nullable(),
});
export type ItemDocument = z.infer<typeof Item>;

const File = z.object({
  name: z.string(),
  filename: z.string(),
  uuid: z.string(),
  version_id: z.number(),
  size: z.number(),
  type: z.string(),
  collected: z.string().nullable(),
  file_generator: z.string().nullable(),
  status: z.string(),
  md5_checksum: z.string().nullable(),
});
const Dataset = z.object({
  uuid: z.string(),
  alt_uid: z.string().nullable(),
  collected: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  keywords: z.array(z.string()),
  ranking: z.number(),
  attributes: z.record(z.string(), z.string()),
  scope: z.object({ name: z.string(), uid: z.string() }),
  files: z.array(File),
});
export type DatasetDocument = z.infer<typeof Dataset>;

const Upload = z.looseObject({
  action: z.string().nullable(),
  status: z.string(),
  md5: z.string().nullable(),
  version_id: z.number().nullable(),
  skip_reason: z.string().nullable(),
});
/** Codes and messages of a sync record, wherever in its tree. */
const Node: z.ZodType<LogNode> = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  get content() {
    return z.array(Node).optional();
  },
});
interface LogNode {
  type: string;
  name?: string | undefined;
  code?: string | undefined;
  message?: string | undefined;
  content?: LogNode[] | undefined;
}
const Shown = z.object({
  sync_record: z.object({ files: z.record(z.string(), z.array(Upload)), logs: z.array(Node) }),
});
const Failure = z.strictObject({ error: z.string(), detail: z.string(), hint: z.string() });
const Verified = z.object({
  checked: z.number(),
  differences: z.array(z.object({ name: z.string(), problem: z.string() })),
});

/** A folder that holds data and a state folder; removed by `await using`. */
export class Workspace {
  readonly home: string;
  #downloads = 0;

  private constructor(readonly root: string) {
    this.home = join(root, "home");
  }

  static async make(): Promise<Workspace> {
    return new Workspace(await Deno.realPath(await Deno.makeTempDir({ prefix: "workspace_" })));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.root, { recursive: true });
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** Runs a command on this state folder. */
  run(...args: string[]): Promise<Outcome> {
    return runCli(args, { home: this.home });
  }

  /** Starts `serve` on this state folder; ended by `await using`. */
  serve(...args: string[]): Promise<ServingProcess> {
    return ServingProcess.start(this.home, ...args);
  }

  async json(...args: string[]): Promise<unknown> {
    return await this.expect(0, ...args);
  }

  /** The document of a command that must end with this code. */
  async expect(code: number, ...args: string[]): Promise<unknown> {
    const outcome = await this.run(...args, "--json");
    assertEquals(
      outcome.code,
      code,
      `etiket-sync ${args.join(" ")}: ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`,
    );
    return JSON.parse(outcome.stdout);
  }

  /** The error document of a command that must end with this code. */
  async failure(code: number, ...args: string[]): Promise<z.infer<typeof Failure>> {
    return Failure.parse(await this.expect(code, ...args));
  }

  /** Runs `once`, which must end with 0, or with `code` when it is the first argument. */
  async once(...args: (string | number)[]): Promise<OnceDocument> {
    const code = typeof args[0] === "number" ? args[0] : 0;
    return OnceSchema.parse(await this.expect(code, "once", ...args.filter((a) => typeof a === "string")));
  }

  /** By identifier. */
  async items(...filter: string[]): Promise<Record<string, ItemDocument>> {
    const list = z.array(Item).parse(await this.json("item", "list", "--limit", "10000", ...filter));
    return Object.fromEntries(list.map((i) => [i.dataIdentifier, i]));
  }

  async datasets(): Promise<DatasetDocument[]> {
    return z.array(Dataset).parse(await this.json("dataset", "list", "--limit", "10000"));
  }

  async dataset(uuid: string): Promise<DatasetDocument> {
    return Dataset.parse(await this.json("dataset", "show", uuid));
  }

  /** The last run's record of an item: its uploads, and every log and error as `[code, message]`. */
  async record(item: ItemDocument) {
    const { sync_record } = Shown.parse(await this.json("item", "show", String(item.id)));
    const logs: [string, string][] = [];
    const collect = (node: LogNode): void => {
      if (node.type !== "task") logs.push([node.code ?? "", node.message ?? ""]);
      node.content?.forEach(collect);
    };
    const last = sync_record.logs.at(-1);
    if (last) collect(last);
    return { files: sync_record.files, logs };
  }

  /** Talks to the platform as another client of it would, over its HTTP contract. */
  async onPlatform<T>(work: (client: PlatformClient) => Promise<T>): Promise<T> {
    const hub = openHub({ directory: join(this.home, "hub"), env: systemEnv });
    const client = platformClient({ transport: inProcessTransport((r) => hub.fetch(r)), env: systemEnv });
    try {
      return await work(client);
    } finally {
      client.close();
      await hub.close();
    }
  }

  /** Newest version of every file of a dataset: logical name → path of a copy. */
  async download(uuid: string): Promise<Record<string, string>> {
    const to = this.path(`download ${++this.#downloads}`);
    return await this.onPlatform(async (client) => {
      const dataset = await client.readDataset(uuid);
      assert(dataset);
      const paths: Record<string, string> = {};
      for (const file of newestVersions(dataset)) {
        const path = join(to, file.name);
        await Deno.mkdir(dirname(path), { recursive: true });
        using out = await Deno.open(path, { write: true, createNew: true });
        await readBack(client, file, { write: (chunk) => writeAll(out, chunk) });
        paths[file.name] = path;
      }
      return paths;
    });
  }

  /** Nothing that was uploaded differs. @returns how many versions were read */
  async verified(): Promise<number> {
    const { checked, differences } = Verified.parse(await this.json("verify"));
    assertEquals(differences, []);
    return checked;
  }

  async verifyFailure(): Promise<z.infer<typeof Verified>["differences"]> {
    return Verified.parse(await this.expect(3, "verify")).differences;
  }
}

/** Options of `once` for a source of dataset folders. */
export function folderSource(root: string, ...more: string[]): string[] {
  const scope = more.includes("--autoassign") ? [] : ["--scope", "default"];
  return [
    "--backend",
    "folderbase",
    "--set",
    `root_directory=${root}`,
    "--set",
    "is_server_folder=false",
    ...scope,
    ...more,
  ];
}

/** Options of `once` for a QCoDeS database. */
export function qcodesSource(database: string, ...more: string[]): string[] {
  return [
    "--backend",
    "qcodes",
    "--set",
    `database_path=${database}`,
    "--set",
    "set_up=fridge",
    "--scope",
    "default",
    ...more,
  ];
}

/** A dataset folder whose files were quiet for long, so that it is due at once. */
export async function writeDataset(
  folder: string,
  files: Record<string, string>,
  time = 1_700_000_000,
): Promise<void> {
  for (const [name, text] of Object.entries({ "_QH_dataset_info.yaml": "", ...files })) {
    await writeQuiet(join(folder, name), text, time);
  }
}

/** Writes a file with a modification time in the past, in seconds. */
export async function writeQuiet(path: string, content: string | Uint8Array, time: number): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  await Deno.utime(path, time, time);
}

export function only<T>(list: readonly T[]): T {
  const [first, second] = list;
  assert(first !== undefined && second === undefined, `expected one, got ${list.length}`);
  return first;
}

export async function md5Of(path: string): Promise<string> {
  return createHash("md5").update(await Deno.readFile(path)).digest("hex");
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
}
