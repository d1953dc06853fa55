/** File versions of the platform (`/api/v2/file…`) and the two calls around a single-part upload. */
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { type Api, nothing } from "./api.ts";
import { mayHaveTakenEffect } from "./errors.ts";
import {
  type FileCreate,
  type FileRecord,
  fileRecordSchema,
  type MultipartLinks,
  multipartLinksSchema,
  type UploadLink,
  uploadLinkSchema,
} from "./schemas.ts";

/** Made once: to make a schema costs more than to check a reply with it. */
const fileRecords = z.array(fileRecordSchema);

export interface FileVersionKey {
  uuid: string;
  /** ms since 1970 UTC. */
  version_id: number;
}

export interface FileCalls {
  /**
   * Announces a file version. When the platform says that it exists, or the reply was lost, the existing one is read.
   * @returns the existing record, or null when this call created it
   */
  createFile(create: FileCreate): Promise<FileRecord | null>;
  /** All versions of a file; empty when the platform does not know it. */
  readFileVersions(uuid: string): Promise<FileRecord[]>;
  /** @returns null when there is no such version */
  readFile(key: FileVersionKey): Promise<FileRecord | null>;
  /** All versions of one logical file; empty when there is none. */
  filesByName(datasetUuid: string, name: string): Promise<FileRecord[]>;
  /** A link for one PUT; the record becomes `pending`. A 403 (class permission) may mean: immutable and secured. */
  singlePartLink(key: FileVersionKey, signal?: AbortSignal): Promise<UploadLink>;
  /**
   * Links for an upload in parts; an upload of this version that was open is given up. The record becomes `pending`.
   * @returns null when the platform takes no uploads in parts
   */
  multipartLinks(key: FileVersionKey, signal?: AbortSignal): Promise<MultipartLinks | null>;
  /**
   * Lets the platform put the parts together; the record becomes `secured`. A large file may take it long.
   * @param upload its ETags in order, quotes kept; size of the whole, bytes
   */
  validateMultipart(
    key: FileVersionKey,
    md5: string,
    upload: { id: string; etags: string[]; size: number },
    signal?: AbortSignal,
  ): Promise<void>;
  /** Gives an upload in parts up; platforms that know no such call clean up by themselves. */
  abortUpload(key: FileVersionKey, uploadId: string): Promise<void>;
  /** Tells the platform that the bytes are there; the record becomes `secured`. */
  validateSinglePart(key: FileVersionKey, md5: string, signal?: AbortSignal): Promise<void>;
}

const describe = (key: FileVersionKey) => `file ${key.uuid} version ${key.version_id}`;

/** The call wants a checksum, but there is nothing to check. */
const NO_MD5 = "0".repeat(32);
/** Parts are put together at this speed at least, bytes per ms: a slow disk that reads and writes all of them. */
const SLOWEST_ASSEMBLY = 20_000;
/** Statuses of a platform that does not know a call. */
const NOT_OFFERED = [404, 405, 501];

/** Body of the calls that end an upload. */
function fileValidate(key: FileVersionKey, md5: string, uploadId = "", etags: string[] = []) {
  return { uuid: key.uuid, version_id: key.version_id, md5_checksum: md5, upload_id: uploadId, etags };
}

/** @throws SyncError when a link is for another version than was asked for */
function requireOf(key: FileVersionKey, link: FileVersionKey, what: string): void {
  if (link.uuid === key.uuid.toLowerCase() && link.version_id === key.version_id) return;
  throw new SyncError("platform", "invalid_reply", `${what}: the link is for ${describe(link)}`, {
    hint: "The platform mixed up two uploads: tell its administrator.",
  });
}

export function fileCalls(api: Api): FileCalls {
  /** Older servers answer 403 for an unknown uuid, so only the caller of these two may take it for "not there". */
  const read = async (query: { uuid: string; version_id?: number }, what: string) =>
    await api.callOrNull({
      method: "GET",
      path: "/api/v2/file/read/",
      query,
      what,
      reply: fileRecords,
    }, [403, 404]) ?? [];
  const readFile = async (key: FileVersionKey) => {
    const found = await read({ uuid: key.uuid, version_id: key.version_id }, `reading ${describe(key)}`);
    return found.find((f) => f.version_id === key.version_id) ?? null;
  };

  return {
    readFile,
    readFileVersions: (uuid) => read({ uuid }, `reading the versions of file ${uuid}`),
    async createFile(create) {
      try {
        await api.call({
          method: "POST",
          path: "/api/v2/file/",
          json: {
            name: create.name,
            filename: create.filename,
            uuid: create.uuid,
            creator: create.creator,
            collected: create.collected,
            size: create.size,
            type: create.type,
            // The older server demands text.
            file_generator: create.file_generator ?? "",
            version_id: create.version_id,
            ranking: create.ranking ?? 0,
            ds_uuid: create.ds_uuid,
            immutable: create.immutable ?? true,
          },
          what: `announcing ${describe(create)} ("${create.name}")`,
          reply: nothing,
        });
        return null;
      } catch (e) {
        if (!mayHaveTakenEffect(e)) throw e;
        const existing = await readFile(create).catch(() => null);
        if (existing) return existing;
        throw e;
      }
    },
    filesByName: (datasetUuid, name) =>
      api.call({
        method: "GET",
        path: "/api/v2/file/by_name/",
        query: { dataset_uuid: datasetUuid, name },
        what: `reading the versions of "${name}" in dataset ${datasetUuid}`,
        reply: fileRecords,
      }),
    async singlePartLink(key, signal) {
      const what = `asking for an upload link for ${describe(key)}`;
      const link = await api.call({
        method: "GET",
        path: "/api/v2/file/presigned_link/single_part/",
        query: { file_uuid: key.uuid, version_id: key.version_id },
        what,
        reply: uploadLinkSchema,
        signal,
      });
      requireOf(key, link, what);
      return link;
    },
    async multipartLinks(key, signal) {
      const what = `asking for links to upload ${describe(key)} in parts`;
      const links = await api.callOrNull({
        method: "GET",
        path: "/api/v2/file/presigned_link/",
        query: { file_uuid: key.uuid, version_id: key.version_id },
        what,
        reply: multipartLinksSchema,
        signal,
      }, NOT_OFFERED);
      if (links) requireOf(key, links, what);
      return links;
    },
    validateMultipart: (key, md5, { id, etags, size }, signal) =>
      api.call({
        method: "POST",
        path: "/api/v2/file/validate_upload/",
        json: fileValidate(key, md5, id, etags),
        what: `finishing the upload of ${describe(key)}`,
        reply: nothing,
        signal,
        extraMs: size / SLOWEST_ASSEMBLY,
      }),
    async abortUpload(key, uploadId) {
      await api.callOrNull({
        method: "POST",
        path: "/api/v2/file/abort_upload/",
        json: fileValidate(key, NO_MD5, uploadId),
        what: `giving up the upload of ${describe(key)}`,
        reply: nothing,
      }, NOT_OFFERED);
    },
    validateSinglePart: (key, md5, signal) =>
      api.call({
        method: "POST",
        path: "/api/v2/file/validate_upload/single_part/",
        json: fileValidate(key, md5),
        what: `finishing the upload of ${describe(key)}`,
        reply: nothing,
        signal,
      }),
  };
}
