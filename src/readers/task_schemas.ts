/** Schemas of what each kind of task takes and answers. */
import { z } from "zod";
import type {
  Config,
  DiscoveredItem,
  DiscoveryPage,
  Field,
  ReadContext,
  ReadItem,
  TakenOver,
  WriteBack,
  WriteBackResult,
} from "../kit/define_backend.ts";
import type { ConverterInfo } from "../kit/define_converter.ts";
import type {
  ConversionRequest,
  DatasetDraft,
  DraftLog,
  FileDraft,
  OwnVersion,
  ReadResult,
  Replica,
  Skip,
  ThumbnailRequest,
} from "../kit/drafts.ts";
import { errorDataSchema } from "../kit/error_schema.ts";
import type {
  BackendInfo,
  BrokenModule,
  Inspection,
  InstalledConverter,
  ReaderTasks,
  SourcePlan,
  TaskKind,
} from "./tasks.ts";

/**
 * The schema of an interface: every member, optional ones too, must be named here, and no other may come, so that
 * nothing is lost silently on the way.
 */
function object<T>(shape: { [K in keyof T]-?: z.ZodType<T[K]> }): z.ZodType<T> {
  return z.strictObject(shape) as unknown as z.ZodType<T>;
}

const text = z.string();
const texts = z.array(z.string());
const flag = z.boolean();
const integer = z.number().int();
const map = z.record(z.string(), z.unknown());
const config: z.ZodType<Config> = map;

const fieldType = z.enum([
  "string",
  "integer",
  "float",
  "boolean",
  "path",
  "dir_path",
  "file_path",
  "list",
  "dict",
]);
const field = object<Field>({
  name: text,
  type: fieldType,
  also: z.array(fieldType).optional(),
  required: flag,
  description: text,
  default: z.union([text, z.number(), flag, z.null(), z.array(z.unknown()), map]).optional(),
  aliases: texts.optional(),
  choices: texts.optional(),
  secret: flag.optional(),
  example: z.unknown().optional(),
});

const backendInfo = object<BackendInfo>({
  identifier: text,
  display_name: text,
  aliases: texts,
  version: text,
  kind: z.enum(["folder", "database"]),
  scope_policy: z.enum(["REQUIRED", "OPTIONAL", "DISABLED"]),
  supports_scope_mapping: flag,
  has_owner: flag,
  live: flag,
  fields: z.array(field),
  origin: text,
});

const converterMembers = {
  id: text,
  version: text,
  input: text,
  output: text,
  auto: flag,
  aliases: texts,
};
/** Members of what `describe` answers, which the agent hands on as it is, may come too and are left out. */
const converterInfo: z.ZodType<ConverterInfo> = z.object({ ...converterMembers, folder: flag.optional() });
const installedConverter = object<InstalledConverter>({ ...converterMembers, folder: flag, origin: text });

const plan: z.ZodType<SourcePlan> = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("folder"),
    root: text,
    level: integer,
    single_file: flag,
    server_folder: flag,
    name_pattern: text.nullable(),
    scope_from_path: flag,
  }),
  z.strictObject({ kind: z.literal("database"), watch_paths: texts, address: text.optional() }),
]);

const discoveredItem = object<DiscoveredItem>({
  identifier: text.min(1),
  priority: z.number(),
  scope_identifier: text.optional(),
  dataset_uuid: text.optional(),
  fingerprint: text,
  running: z.literal(true).optional(),
});

const fileType = z.enum(["HDF5", "HDF5_NETCDF", "HDF5_CACHE", "NDARRAY", "JSON", "TEXT", "UNKNOWN"]);
const log = object<DraftLog>({ code: text, message: text });

const utcTime = text.regex(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/,
  "expected ISO 8601 in UTC (+00:00)",
);
const uuid = text.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "expected a uuid in lower case");
const version = object<OwnVersion>({
  uuid,
  version_id: integer,
  creator: text,
  collected: utcTime,
  missing: text.optional(),
});
const replica = object<Replica>({
  uuid,
  scope: object<Replica["scope"]>({ uuid, name: text, description: text }),
  creator: text,
  notes: text.nullable(),
  modified: z.number(),
  state: text,
});

const draft = object<DatasetDraft>({
  name: text,
  alt_uid: text.optional(),
  collected: utcTime,
  description: text.optional(),
  keywords: texts,
  ranking: integer,
  attributes: map,
  files: z.array(object<FileDraft>({
    name: text.min(1),
    filename: text.regex(/^[^/]+$/, "expected a bare file name"),
    path: text.min(1),
    staged: flag,
    type: z.union([fileType, z.literal("auto")]),
    created: z.number(),
    file_generator: text.optional(),
    ranking: integer.optional(),
    data_key: text.optional(),
    version: version.optional(),
  })),
  conversions: z.array(object<ConversionRequest>({
    converter: text,
    input: text,
    name: text,
    options: map.optional(),
  })).optional(),
  thumbnails: z.array(object<ThumbnailRequest>({ path: text, literal: flag })).optional(),
  skips: z.array(object<Skip>({ path: text, reason: text, rule: text.optional(), name: text.optional() }))
    .optional(),
  logs: z.array(log).optional(),
  problems: z.array(errorDataSchema).optional(),
  state: z.enum(["complete", "incomplete"]).optional(),
  replica: replica.optional(),
});

const readItem = object<ReadItem>({ identifier: text, path: text });

const writeBack = object<WriteBack>({
  state: text,
  secured: z.array(z.strictObject({ uuid, version_id: integer })),
  complete: flag,
  metadata: object<TakenOver>({
    name: text.optional(),
    description: text.nullable().optional(),
    notes: text.nullable().optional(),
    ranking: integer.optional(),
    keywords: texts.optional(),
    attributes: z.record(z.string(), text.nullable()).optional(),
  }),
});

const readResult: z.ZodType<ReadResult> = z.union([
  z.strictObject({ draft }),
  z.strictObject({ not_started: text }),
]);

export const TASKS: {
  [K in TaskKind]: { input: z.ZodType<ReaderTasks[K]["input"]>; output: z.ZodType<ReaderTasks[K]["output"]> };
} = {
  describe: {
    input: z.strictObject({}),
    output: object({
      backends: z.array(backendInfo),
      converters: z.array(installedConverter),
      broken: z.array(object<BrokenModule>({ origin: text, error: errorDataSchema })),
    }),
  },
  resolve: {
    input: object({ backend: text, config, unvalidated: flag.optional() }),
    output: object({ problems: texts, plan: plan.nullable(), config: config.nullable() }),
  },
  discover: {
    input: object({ backend: text, config, since: z.unknown().optional() }),
    output: object<DiscoveryPage>({
      items: z.array(discoveredItem),
      unmatched: z.array(z.object({ path: text, reason: text })).optional(),
      cursor: z.unknown().optional(),
      more: flag,
    }),
  },
  read: {
    input: object({
      backend: text,
      config,
      item: readItem,
      context: object<ReadContext>({
        staging: text,
        version: text,
        converters: z.array(converterInfo),
        timeZone: text,
        newest: flag,
        now: z.number(),
        metadataOnly: z.literal(true).optional(),
      }),
    }),
    output: readResult,
  },
  write_back: {
    input: object({ backend: text, config, item: readItem, outcome: writeBack }),
    output: object<WriteBackResult>({ moved: flag }),
  },
  find_dataset: {
    input: object({ backend: text, config, alt_uid: text, scope: text }),
    output: object<{ uuid: string | null }>({ uuid: uuid.nullable() }),
  },
  convert: {
    input: object({
      converter: text,
      input: text,
      output_dir: text,
      output_name: text,
      temp: text,
      options: map,
    }),
    output: object({ path: text, logs: texts }),
  },
  inspect: {
    input: object({ path: text, filename: text }),
    output: object<Inspection>({
      type: fileType,
      logs: z.array(log),
      content_md5: text.nullable(),
      deep_sha256: text.nullable(),
    }),
  },
  compare_live: {
    input: object({ live: text, files: texts }),
    output: object({ differences: texts }),
  },
  thumbnail: {
    input: object({ path: text, output: text }),
    output: object({ size: integer }),
  },
};
