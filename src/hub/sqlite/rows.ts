/** Rows of the hub's tables as they come out of SQLite, and what they become. */
import { z } from "zod";
import { type FileRecord, FileStatus, FileType, Role, type Scope, type User } from "../schemas.ts";

export const Flag = z.number().transform((n) => n !== 0);

/** A column that holds JSON text. */
export function json<T>(schema: z.ZodType<T>) {
  return z.string().transform((text, context) => {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: z.prettifyError(parsed.error) });
    return z.NEVER;
  });
}

export const UserRow: z.ZodType<User> = z.object({
  sub: z.string(),
  firstname: z.string(),
  lastname: z.string(),
  email: z.string().nullable(),
  role: Role,
  is_enabled: Flag,
  created: z.string(),
  modified: z.string(),
});

export const SCOPE_COLUMNS = "id, uid, name, description, is_restricted, is_archived, created, modified";

export const ScopeRow = z.object({
  id: z.number(),
  uid: z.string(),
  name: z.string(),
  description: z.string(),
  is_restricted: Flag,
  is_archived: Flag,
  created: z.string(),
  modified: z.string(),
}).transform(({ id, ...row }): { id: number; scope: Scope } => ({
  id,
  scope: { ...row, uuid: row.uid, archived: row.is_archived, schema: null },
}));

export const DatasetRow = z.object({
  id: z.number(),
  uuid: z.string(),
  alt_uid: z.string().nullable(),
  scope_id: z.number(),
  collected: z.string(),
  name: z.string(),
  creator: z.string(),
  description: z.string().nullable(),
  notes: z.string().nullable(),
  keywords: json(z.array(z.string())),
  ranking: z.number(),
  created: z.string(),
  modified: z.string(),
});
export type DatasetRow = z.infer<typeof DatasetRow>;

export const FILE_COLUMNS = `dataset_id, uuid, version_id, name, filename, creator, collected, size, type,
  file_generator, ranking, immutable, status, md5_checksum, etag, created, modified, object_md5, object_sha256`;

export const FileRow = z.object({
  dataset_id: z.number(),
  uuid: z.string(),
  version_id: z.number(),
  name: z.string(),
  filename: z.string(),
  creator: z.string(),
  collected: z.string(),
  size: z.number(),
  type: FileType,
  file_generator: z.string().nullable(),
  ranking: z.number(),
  immutable: Flag,
  status: FileStatus,
  md5_checksum: z.string().nullable(),
  etag: z.string().nullable(),
  created: z.string(),
  modified: z.string(),
  object_md5: z.string().nullable(),
  object_sha256: z.string().nullable(),
}).transform((
  { dataset_id, object_md5, object_sha256, ...row },
): { dataset_id: number; file: FileRecord } => ({
  dataset_id,
  file: {
    ...row,
    plain_md5: row.status === "secured" ? object_md5 : null,
    sha256: row.status === "secured" ? object_sha256 : null,
  },
}));

export const Id = z.object({ id: z.number() });
