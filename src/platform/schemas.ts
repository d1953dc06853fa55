/**
 * Shapes of the platform's replies, as zod schemas that accept what the known server generations send (both spellings
 * of a scope's id and archive flag, unknown keys, left-out optional keys) and yield one form.
 * Times stay text (ISO 8601 with offset); {@link instantOf} turns one into ms.
 */
import { z } from "zod";
import type { FileType } from "../kit/drafts.ts";

const nullableText = z.string().nullish().transform((v) => v ?? null);
const uuid = z.string().min(1).toLowerCase();

const FILE_TYPES = [
  "HDF5",
  "HDF5_NETCDF",
  "HDF5_CACHE",
  "NDARRAY",
  "JSON",
  "TEXT",
  "UNKNOWN",
] as const satisfies readonly FileType[];

export const scopeSchema = z.object({
  uid: uuid.nullish(),
  uuid: uuid.nullish(),
  name: z.string(),
  description: nullableText,
  is_archived: z.boolean().nullish(),
  archived: z.boolean().nullish(),
  created: nullableText,
  modified: nullableText,
}).transform((s, context) => {
  const id = s.uid ?? s.uuid;
  if (!id) {
    context.addIssue({ code: "custom", message: "neither uid nor uuid is given" });
    return z.NEVER;
  }
  return {
    uid: id,
    name: s.name,
    description: s.description ?? "",
    is_archived: s.is_archived ?? s.archived ?? false,
    created: s.created,
    modified: s.modified,
  };
});
export type Scope = z.infer<typeof scopeSchema>;

export const userSchema = z.object({
  sub: z.string().min(1),
  firstname: z.string().nullish().transform((v) => v ?? ""),
  lastname: z.string().nullish().transform((v) => v ?? ""),
  email: nullableText,
  role: z.string(),
  is_enabled: z.boolean().default(true),
});
export type User = z.infer<typeof userSchema>;

export const fileRecordSchema = z.object({
  name: z.string(),
  filename: z.string(),
  uuid,
  version_id: z.int(),
  creator: z.string().nullish().transform((v) => v ?? ""),
  collected: nullableText,
  /** Bytes as the announcing client claimed them; may be wrong. */
  size: z.int().nonnegative(),
  /** A type this version does not know yet must not hide the dataset. */
  type: z.enum(FILE_TYPES).catch("UNKNOWN"),
  file_generator: nullableText,
  ranking: z.int().nullish().transform((v) => v ?? 0),
  created: nullableText,
  modified: nullableText,
  immutable: z.boolean(),
  /** 32 hex digits; plain md5, or the content md5 of a netCDF file (F12). */
  md5_checksum: z.string().nullish().transform((v) => v ? v.toLowerCase() : null),
  etag: nullableText,
  status: z.enum(["announced", "pending", "secured"]),
  S3_link: nullableText,
  S3_validity: z.number().nullish().transform((v) => v ?? null),
});
export type FileRecord = z.infer<typeof fileRecordSchema>;

export const datasetSchema = z.object({
  uuid,
  alt_uid: nullableText,
  collected: z.string(),
  name: z.string(),
  creator: z.string(),
  description: nullableText,
  notes: nullableText,
  keywords: z.array(z.string()).nullish().transform((v) => v ?? []),
  ranking: z.int(),
  created: nullableText,
  modified: nullableText,
  scope: scopeSchema,
  attributes: z.record(z.string(), z.string()).nullish().transform((v) => v ?? {}),
  /** All versions of all files. */
  files: z.array(fileRecordSchema).nullish().transform((v) => v ?? []),
});
export type Dataset = z.infer<typeof datasetSchema>;

export const bucketSchema = z.object({ name: z.string(), bucket_uuid: uuid });
export type Bucket = z.infer<typeof bucketSchema>;

export const uploadLinkSchema = z.object({ uuid, version_id: z.int(), url: z.string().min(1) });
export type UploadLink = z.infer<typeof uploadLinkSchema>;

export const multipartLinksSchema = z.object({
  uuid,
  version_id: z.int(),
  upload_id: z.string().min(1),
  /** Bytes of every part but the last. */
  part_size: z.int().positive(),
  /** One PUT link a part, in order. */
  presigned_urls: z.array(z.string().min(1)).min(1),
});
export type MultipartLinks = z.infer<typeof multipartLinksSchema>;

/** A dataset to create; `notes` is never sent (behaviour 4.2). */
export interface DatasetCreate {
  uuid: string;
  alt_uid?: string | null;
  /** ISO 8601 UTC with microseconds and `+00:00` (S9). */
  collected: string;
  name: string;
  creator: string;
  description?: string | null;
  keywords: string[];
  ranking: number;
  scope_uuid: string;
  /** Text to text only (S3). */
  attributes: Record<string, string>;
}

/** What to change; a key that is left out stays as it is. `attributes` replaces the whole set. */
export interface DatasetChanges {
  alt_uid?: string;
  name?: string;
  description?: string;
  notes?: string;
  keywords?: string[];
  ranking?: number;
  attributes?: Record<string, string>;
}

export interface DatasetSearch {
  scope_uuids?: string[] | null;
  attributes?: Record<string, string[]> | null;
  search_query?: string | null;
  ranking?: number | null;
  has_notes?: boolean | null;
  start_date?: string | null;
  end_date?: string | null;
  time_zone?: string | null;
}

/** A file version to announce. */
export interface FileCreate {
  name: string;
  filename: string;
  uuid: string;
  /** ms since 1970 UTC. */
  version_id: number;
  creator: string;
  collected: string;
  size: number;
  type: FileType;
  file_generator?: string | null;
  ranking?: number;
  ds_uuid: string;
  /** Default true (F4). */
  immutable?: boolean;
}

/** The ms since 1970 that a time of the platform means, or null when it is missing or no time. */
export function instantOf(time: string | null): number | null {
  if (time === null) return null;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}
