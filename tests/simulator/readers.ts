/**
 * Readers without processes, and the one backend of the simulation: folders of files with an info file that holds JSON. A
 * table becomes a text, a picture a thumbnail; an `.h5` file counts as netCDF whose content is all but the blanks at its end.
 */
import { Buffer } from "node:buffer";
import { basename } from "node:path";
import { z } from "zod";
import type { FileSystem } from "../../src/env.ts";
import type { ReadContext } from "../../src/kit/define_backend.ts";
import type { DatasetDraft, FileDraft } from "../../src/kit/drafts.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { statExact } from "../../src/kit/fingerprint.ts";
import type { Registry } from "../../src/engine/services.ts";
import type { ReaderPool, ReaderTasks, TaskKind } from "../../src/readers/tasks.ts";
import { fileError } from "../../src/transfer/file_errors.ts";
import type { Life } from "./life.ts";
import { md5Of } from "./platform.ts";

export const BACKEND = "simulated_folders";
export const INFO = "_QH_dataset_info.yaml";

export const infoSchema = z.strictObject({
  name: z.string(),
  collected: z.string(),
  keywords: z.array(z.string()),
  attributes: z.record(z.string(), z.string()),
  ranking: z.number(),
  /** The backend makes a file of its own. */
  summary: z.boolean(),
});
export type Info = z.infer<typeof infoSchema>;

const configSchema = z.object({ root: z.string(), level: z.number(), server: z.boolean() });

export const REGISTRY: Registry = {
  backends: [{
    identifier: BACKEND,
    display_name: "simulated folders",
    aliases: [],
    version: "1",
    kind: "folder",
    scope_policy: "REQUIRED",
    supports_scope_mapping: false,
    has_owner: false,
    live: false,
    fields: [],
    origin: "simulation",
  }],
  converters: [{
    id: "csv_to_txt",
    version: "1",
    input: "csv",
    output: "txt",
    auto: true,
    aliases: [],
    folder: false,
    origin: "simulation",
  }],
  broken: [],
};

/** What the converter makes of a table. */
export function converted(table: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("converted: "), table]);
}

/** What the thumbnail of a picture is. */
export function thumbnailOf(picture: Uint8Array): Uint8Array {
  return Buffer.from(`thumbnail ${md5Of(picture)}`);
}

/** What counts of an `.h5` file. */
export function contentOf(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x20) end--;
  return bytes.subarray(0, end);
}

export function summaryOf(names: readonly string[], info: Info): string {
  return JSON.stringify({ files: names, keywords: info.keywords });
}

type Tasks = { [K in TaskKind]: (input: ReaderTasks[K]["input"]) => Promise<ReaderTasks[K]["output"]> };

export function simulatedReaders(life: Life): ReaderPool {
  const { fs } = life.env;
  const tasks: Tasks = {
    describe: () => Promise.resolve(REGISTRY),
    find_dataset: () => Promise.resolve({ uuid: null }),
    write_back: () => Promise.reject(new Error("no source here is a replica of the platform")),
    compare_live: () => Promise.reject(new Error("nothing here is followed live")),
    resolve({ config }) {
      const { root, level, server } = configSchema.parse(config);
      const plan = {
        kind: "folder" as const,
        root,
        level,
        single_file: false,
        server_folder: server,
        name_pattern: null,
        scope_from_path: false,
      };
      return Promise.resolve({ problems: [], plan, config });
    },
    discover: () => Promise.reject(new Error("not a database")),
    read: async ({ config, item, context }) => ({
      draft: await readDraft(fs, configSchema.parse(config).level, item.path, context),
    }),
    async convert({ input, output_dir, output_name }) {
      const path = `${output_dir}/${output_name}`;
      await write(fs, path, converted(await readAll(fs, input)));
      return { path, logs: [] };
    },
    async inspect({ path }) {
      const content = contentOf(await readAll(fs, path));
      return { type: "HDF5_NETCDF", logs: [], content_md5: md5Of(content), deep_sha256: null };
    },
    async thumbnail({ path, output }) {
      const bytes = thumbnailOf(await readAll(fs, path));
      await write(fs, output, bytes);
      return { size: bytes.length };
    },
  };
  return {
    run: (kind, input, options = {}) =>
      life.alive(async () => {
        options.signal?.throwIfAborted();
        // A converter that dies is not run again on the same input (K7).
        const fault = kind === "convert" ? undefined : life.operation({ kind: "reader", what: kind });
        await life.wait(life.world.random.below(20));
        options.signal?.throwIfAborted();
        if (fault) throw new SyncError("reader", "reader_crash", `${kind}: the process ended`);
        return await tasks[kind](input);
      }),
    close: () => Promise.resolve(),
  };
}

async function readDraft(
  fs: FileSystem,
  level: number,
  path: string,
  { staging, now }: ReadContext,
): Promise<DatasetDraft> {
  const info = level === -1 ? readInfo(fs, path) : plainInfo(path);
  const files: FileDraft[] = [];
  try {
    for (const name of filesBelow(fs, path, level === -1)) {
      const { mtime_ms } = statExact(`${path}/${name}`, false, fs);
      files.push({
        name,
        filename: basename(name),
        path: `${path}/${name}`,
        staged: false,
        type: "auto",
        created: mtime_ms,
      });
    }
  } catch (e) {
    throw fileError(e, path);
  }
  const names = files.map((f) => f.name);
  const tables = files.filter((f) => f.name.endsWith(".csv"));
  if (info.summary) {
    const summary = `${staging}/summary.json`;
    await write(fs, summary, Buffer.from(summaryOf(names, info)));
    files.push({
      name: "summary.json",
      filename: "summary.json",
      path: summary,
      staged: true,
      type: "JSON",
      // Should it become again what it was once, that is a new version too.
      created: now,
      data_key: JSON.stringify(names),
    });
  }
  return {
    name: info.name,
    collected: info.collected,
    keywords: info.keywords,
    ranking: info.ranking,
    attributes: { ...info.attributes, origin: statExact(path, false, fs).file_id },
    files,
    conversions: tables.map((f) => ({ converter: "csv_to_txt", input: f.path, name: f.name })),
    thumbnails: files.filter((f) => f.name.endsWith(".png")).map((f) => ({ path: f.path, literal: false })),
  };
}

function readInfo(fs: FileSystem, folder: string): Info {
  let text: string;
  try {
    text = fs.readTextFileSync(`${folder}/${INFO}`);
  } catch (e) {
    throw fileError(e, `${folder}/${INFO}`);
  }
  try {
    return infoSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyncError("data", "info_file_invalid", `${folder}/${INFO} cannot be understood`, { cause });
  }
}

/** What is known of a folder without an info file. */
export function plainInfo(path: string): Info {
  return {
    name: basename(path),
    collected: "2026-03-01T00:00:00.000000+00:00",
    keywords: [],
    attributes: {},
    ranking: 0,
    summary: false,
  };
}

/** Files of a dataset, relative, sorted: no hidden ones, no info file, none of nested datasets. */
export function filesBelow(
  fs: Pick<FileSystem, "readDirSync">,
  folder: string,
  nestedDatasets: boolean,
  below = "",
): string[] {
  const entries = [...fs.readDirSync(below ? `${folder}/${below}` : folder)];
  if (below && nestedDatasets && entries.some((e) => e.name === INFO)) return [];
  return entries.sort((a, b) => a.name < b.name ? -1 : 1).flatMap((e) => {
    const name = below ? `${below}/${e.name}` : e.name;
    if (e.name.startsWith(".") || (below === "" && nestedDatasets && e.name === INFO)) return [];
    return e.isDirectory ? filesBelow(fs, folder, nestedDatasets, name) : [name];
  });
}

async function readAll(fs: FileSystem, path: string): Promise<Uint8Array> {
  try {
    using file = await fs.open(path, { read: true });
    const buffer = new Uint8Array(64 * 1024);
    let size = 0;
    for (let n = await file.read(buffer); n !== null && n > 0; n = await file.read(buffer.subarray(size))) {
      size += n;
    }
    return buffer.slice(0, size);
  } catch (e) {
    throw fileError(e, path);
  }
}

async function write(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  try {
    using file = await fs.open(path, { write: true, createNew: true });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  } catch (e) {
    const error = fileError(e, path);
    throw error.class === "local"
      ? error
      : new SyncError("local", "staging_failed", error.message, { cause: e });
  }
}
