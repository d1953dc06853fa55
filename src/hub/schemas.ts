/** Bodies, queries and replies of the platform's HTTP contract, as zod schemas and the types they give. */
import { z } from "zod";
import { normalizeTime } from "./time.ts";

/** Lower case on the wire; upper case is accepted. Nothing else can reach a path on disk. */
export const Uuid = z.guid().toLowerCase();

/** Any ISO 8601 time with an offset, brought to the platform's form. */
export const Time = z.string().transform((text, context) => {
  const time = normalizeTime(text);
  if (time !== null) return time;
  context.addIssue({ code: "custom", message: "Invalid time: expected ISO 8601 with an offset" });
  return z.NEVER;
});

const optionalText = z.string().nullish().transform((text) => text ?? null);
const Attributes = z.record(z.string(), z.string());

/** Milliseconds since 1970. */
export const VersionId = z.int().positive();
export const VersionIdText = z.string().regex(/^\d{1,16}$/, "Invalid version_id: expected a whole number")
  .transform(Number).pipe(VersionId);
export const Md5 = z.string().toLowerCase().regex(/^[0-9a-f]{32}$/, "Invalid md5: expected 32 hex digits");

export const Role = z.enum(["admin", "scope_admin", "user", "superuser"]);
export const FileType = z.enum([
  "HDF5",
  "HDF5_NETCDF",
  "HDF5_CACHE",
  "NDARRAY",
  "JSON",
  "TEXT",
  "UNKNOWN",
]);
export const FileStatus = z.enum(["announced", "pending", "secured"]);

export const User = z.object({
  sub: z.string(),
  firstname: z.string(),
  lastname: z.string(),
  email: z.string().nullable(),
  role: Role,
  is_enabled: z.boolean(),
  created: z.string(),
  modified: z.string(),
});
export type User = z.infer<typeof User>;

/** A scope as answered: id and archive flag in both spellings that clients look for. */
export interface Scope {
  uid: string;
  uuid: string;
  name: string;
  description: string;
  is_restricted: boolean;
  is_archived: boolean;
  archived: boolean;
  schema: null;
  created: string;
  modified: string;
}

/** Clients of generation 0.2 send `uuid` in place of `uid`. */
export const ScopeCreate = z.object({
  name: z.string().min(4).max(100),
  uid: Uuid.optional(),
  uuid: Uuid.optional(),
  description: z.string().nullish().transform((text) => text ?? ""),
  is_restricted: z.boolean().default(true),
  is_archived: z.boolean().default(false),
  bucket_uuid: Uuid.nullish().transform((uuid) => uuid ?? null),
}).transform(({ uuid, ...scope }, context) => {
  const uid = scope.uid ?? uuid;
  if (uid !== undefined) return { ...scope, uid };
  context.addIssue({ code: "custom", path: ["uid"], message: "Required" });
  return z.NEVER;
});
export type ScopeCreate = z.infer<typeof ScopeCreate>;

export const ScopeUpdate = z.object({
  name: z.string().min(4).max(100).nullish(),
  description: z.string().nullish(),
  is_restricted: z.boolean().nullish(),
  is_archived: z.boolean().nullish(),
});
export type ScopeUpdate = z.infer<typeof ScopeUpdate>;

export const DatasetCreate = z.object({
  uuid: Uuid,
  alt_uid: optionalText,
  collected: Time,
  name: z.string(),
  creator: z.string(),
  description: optionalText,
  notes: optionalText,
  keywords: z.array(z.string()),
  ranking: z.int(),
  scope_uuid: Uuid,
  attributes: Attributes.nullish().transform((attributes) => attributes ?? {}),
});
export type DatasetCreate = z.infer<typeof DatasetCreate>;

/** null and absent = unchanged. */
export const DatasetUpdate = z.object({
  alt_uid: z.string().nullish(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  notes: z.string().nullish(),
  keywords: z.array(z.string()).nullish(),
  ranking: z.int().nullish(),
  attributes: Attributes.nullish(),
});
export type DatasetUpdate = z.infer<typeof DatasetUpdate>;

/** Which datasets: an empty list restricts nothing. */
export const DatasetSelection = z.object({
  scope_uuids: z.array(Uuid).nullish().transform((uuids) => uuids ?? []),
  attributes: z.record(z.string(), z.array(z.string())).nullish().transform((wanted) => wanted ?? {}),
});
export type DatasetSelection = z.infer<typeof DatasetSelection>;

export const DatasetSearch = DatasetSelection.extend({
  search_query: z.string().nullish().transform((text) => text ?? ""),
  /** Least ranking; null = any. */
  ranking: z.int().nullable().default(0),
  has_notes: z.boolean().nullish().transform((wanted) => wanted ?? false),
  start_date: Time.nullish(),
  end_date: Time.nullish(),
  time_zone: z.string().nullish().refine(
    (zone) => !zone || isTimeZone(zone),
    "Unknown time zone: expected an IANA name",
  ).transform((zone) => zone || "UTC"),
});
export type DatasetSearch = z.infer<typeof DatasetSearch>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** `limit` at most 1000, 50 when absent. */
export const Page = z.object({
  offset: z.coerce.number().pipe(z.int().nonnegative()).default(0),
  limit: z.coerce.number().pipe(z.int().positive().max(1000)).default(50),
});
export type Page = z.infer<typeof Page>;

export const FileCreate = z.object({
  name: z.string().min(1),
  filename: z.string().min(1),
  uuid: Uuid,
  creator: z.string(),
  collected: Time,
  size: z.int().nonnegative(),
  type: FileType,
  file_generator: optionalText,
  version_id: VersionId,
  ranking: z.int().nullish().transform((ranking) => ranking ?? 0),
  ds_uuid: Uuid,
  immutable: z.boolean().default(true),
});
export type FileCreate = z.infer<typeof FileCreate>;

export const FileValidate = z.object({
  uuid: Uuid,
  version_id: VersionId,
  md5_checksum: Md5,
  upload_id: z.string(),
  etags: z.array(z.string()),
});
export type FileValidate = z.infer<typeof FileValidate>;

/** One version of a file as the catalogue knows it. `plain_md5` and `sha256` are this hub's own addition. */
export const FileRecord = z.object({
  name: z.string(),
  filename: z.string(),
  uuid: z.string(),
  creator: z.string(),
  collected: z.string(),
  size: z.number(),
  type: FileType,
  file_generator: z.string().nullable(),
  version_id: z.number(),
  ranking: z.number(),
  created: z.string(),
  modified: z.string(),
  immutable: z.boolean(),
  /** As sent by the client: the content md5 for HDF5_NETCDF, the plain md5 else. */
  md5_checksum: z.string().nullable(),
  etag: z.string().nullable(),
  status: FileStatus,
  /** Hashes of the stored bytes as counted by the hub; null until secured. */
  plain_md5: z.string().nullable(),
  sha256: z.string().nullable(),
});
export type FileRecord = z.infer<typeof FileRecord>;

/** One version of a file as answered, with its download link once secured. */
export type FileVersion = FileRecord & { S3_link: string | null; S3_validity: number | null };

export interface DatasetRecord {
  uuid: string;
  alt_uid: string | null;
  collected: string;
  name: string;
  creator: string;
  description: string | null;
  notes: string | null;
  keywords: string[];
  ranking: number;
  created: string;
  modified: string;
  scope: Scope;
  attributes: Record<string, string>;
  files: FileRecord[];
}
export type Dataset = Omit<DatasetRecord, "files"> & { files: FileVersion[] };

export const BugReport = z.object({
  subject: z.string(),
  description: z.string(),
  attachments: z.array(z.object({ filename: z.string(), content_type: z.string(), data: z.string() }))
    .nullish().transform((attachments) => attachments ?? []),
});
export type BugReport = z.infer<typeof BugReport>;
