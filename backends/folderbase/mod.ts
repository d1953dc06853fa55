/** Measurement folders: any folder with a `_QH_dataset_info.yaml`, or every folder at a fixed depth, is a dataset. */
import { basename } from "node:path";
import { z } from "zod";
import { type Config, defineBackend, type ReadContext, type ReadItem } from "../../src/kit/define_backend.ts";
import type { DatasetDraft, DraftLog, FileDraft } from "../../src/kit/drafts.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { type WalkedEntry, walkFolder } from "../../src/kit/folder_walk.ts";
import { compileShellPattern } from "../../src/kit/shell_pattern.ts";
import { isoFromMs } from "../../src/kit/time.ts";
import { chooseConverters, isStoreName, planConversions } from "./conversions.ts";
import { readDatasetInfo } from "./dataset_info.ts";
import { INFO_FILE, readInfoFile } from "./info_document.ts";
import { followFolder } from "./live/follow_folder.ts";
import { requestThumbnails } from "./thumbnail_requests.ts";

/** Level of a source whose datasets lie at any depth and are marked by their info file. */
const ANY_DEPTH = -1;

const FolderbaseConfig = z.object({
  root_directory: z.string(),
  is_server_folder: z.boolean().default(false),
  level: z.number().int().default(ANY_DEPTH),
  auto_converters: z.union([z.boolean(), z.array(z.string())]).default(true),
  live: z.boolean().default(false),
});

export default defineBackend({
  identifier: "etiket_sync_agent_folderbase",
  display_name: "Folders",
  aliases: ["fileBase"],
  version: "1.0.0",
  kind: "folder",
  scope_policy: "REQUIRED",
  supports_scope_mapping: true,
  has_owner: true,
  single_file: false,
  scope_from_path: true,
  fields: [
    {
      name: "root_directory",
      type: "dir_path",
      required: true,
      description: "Folder below which the measurement folders lie.",
      example: "/data/measurements",
    },
    {
      name: "is_server_folder",
      type: "boolean",
      required: true,
      description: "True when the folder lies on a file server: it is then looked through regularly.",
      aliases: ["server_folder"],
      example: false,
    },
    {
      name: "level",
      type: "integer",
      required: false,
      default: ANY_DEPTH,
      description:
        `-1: every folder with a ${INFO_FILE} is a dataset; n: every folder n levels below the root is.`,
    },
    {
      name: "write_manifest",
      type: "boolean",
      required: false,
      default: true,
      description: "Keep a copy of the synchronization record in each dataset folder (.QH_manifest.yaml).",
    },
    {
      name: "auto_converters",
      type: "boolean",
      also: ["list"],
      required: false,
      default: true,
      description: "Run converters that apply by themselves; a list of ids allows these only.",
    },
    {
      name: "live",
      type: "boolean",
      required: false,
      default: false,
      description:
        "Follow HDF5 files that are open for SWMR, and growing .csv and .txt tables, while they are written.",
    },
  ],
  rootPath: (config) => FolderbaseConfig.parse(config).root_directory,
  isServerFolder: (config) => FolderbaseConfig.parse(config).is_server_folder,
  level: (config) => FolderbaseConfig.parse(config).level,
  validate: validateConfig,
  read: (config, item, context) => ({ draft: readFolder(config, item, context) }),
  live: (config, item, context) => {
    const { root_directory: root, level, live } = FolderbaseConfig.parse(config);
    return followFolder(item, { root, nested: level === ANY_DEPTH, live }, context);
  },
});

function validateConfig(config: Config): string[] {
  const parsed = FolderbaseConfig.safeParse(config);
  if (!parsed.success) return parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`);
  const { root_directory: root, level } = parsed.data;
  const problems: string[] = [];
  if (level === 0 || level < ANY_DEPTH) problems.push(`level: ${level} is not possible; use -1, 1 or more`);
  try {
    if (!Deno.statSync(root).isDirectory) {
      return [...problems, `root_directory: "${root}" is not a directory`];
    }
    Deno.readDirSync(root)[Symbol.iterator]().next();
  } catch (e) {
    const what = e instanceof Deno.errors.NotFound ? "does not exist" : "is not readable";
    problems.push(`root_directory: "${root}" ${what}`);
  }
  return problems;
}

function readFolder(config: Config, item: ReadItem, context: ReadContext): DatasetDraft {
  const { root_directory: root, level, auto_converters } = FolderbaseConfig.parse(config);
  const folder = item.path;
  const logs: DraftLog[] = [];
  const file = readInfoFile(folder, root);
  if (!file && level === ANY_DEPTH) {
    throw new SyncError("busy", "info_file_missing", `${folder} holds no ${INFO_FILE} any more`, {
      hint: "The file was removed or renamed while the folder was being read; the next scan settles it.",
    });
  }
  const info = readDatasetInfo(file, context.timeZone, (entry) => logs.push(entry));
  const converters = chooseConverters(info.converters, context.converters, auto_converters);
  const walk = walkFolder(folder, {
    root,
    infoFile: INFO_FILE,
    nested: level === ANY_DEPTH,
    skip: info.skip.map(compileShellPattern),
    isStore: (name) => isStoreName(name, converters.chosen),
  });
  const plan = planConversions(walk.files, walk.stores, converters.chosen);
  const images = requestThumbnails(info.thumbnails, walk.files);
  const source = `Dataset source path: ${folder}`;
  return {
    name: info.name ?? basename(folder),
    collected: info.collected ?? isoFromMs(earliestTime(walk.files, file?.mtime, folder)),
    description: info.description ? `${info.description}\n\n${source}` : source,
    keywords: info.tags,
    ranking: 0,
    attributes: info.attributes,
    files: walk.files.map(fileDraft),
    conversions: plan.conversions,
    thumbnails: images.thumbnails,
    skips: [...walk.skips, ...plan.skips, ...converters.skips],
    logs: [...logs, ...converters.logs, ...images.logs],
    problems: walk.problems,
    state: "complete",
  };
}

function fileDraft({ name, path, mtime }: WalkedEntry): FileDraft {
  return { name, filename: basename(path), path, staged: false, type: "auto", created: mtime };
}

/** When no key says it: the earliest time of the dataset's own files, else of its info file, else of the folder. */
function earliestTime(files: WalkedEntry[], infoTime: number | undefined, folder: string): number {
  if (files.length > 0) return files.reduce((earliest, f) => Math.min(earliest, f.mtime), Infinity);
  return infoTime ?? Deno.statSync(folder).mtime?.getTime() ?? 0;
}
