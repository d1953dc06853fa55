/** What a backend says a dataset should be now: metadata and a list of files. A draft has no side effects. */
import type { ErrorData } from "./errors.ts";

/** File types the platform knows. `auto` asks the agent to look at the content (suffix and HDF5 structure). */
export type FileType = "HDF5" | "HDF5_NETCDF" | "HDF5_CACHE" | "NDARRAY" | "JSON" | "TEXT" | "UNKNOWN";

/** What change detection compares: size in bytes, mtime in ns as decimal text, file id (inode) as text. */
export interface Fingerprint {
  size: number;
  mtime_ns: string;
  file_id: string;
}

export interface FileDraft {
  /** Logical name inside the dataset, `/` separated, NFC. */
  name: string;
  /** Bare real name with extension. */
  filename: string;
  /** Absolute path of the bytes. */
  path: string;
  /** True when the backend made the file in its staging folder; false for a user's file, which is only read. */
  staged: boolean;
  type: FileType | "auto";
  /** The file's own time, ms since 1970 UTC: candidate for its version id. */
  created: number;
  file_generator?: string;
  ranking?: number;
  /**
   * Of a staged file: text that changes whenever its data do. While it stays equal, metadata that also lie in the file
   * may change without a new version of it being sent (S8).
   */
  data_key?: string;
  /** Of a replica: the version as the source numbered it. There is nothing to decide about it. */
  version?: OwnVersion;
}

/** A file version that has its identity on the platform before it is uploaded. */
export interface OwnVersion {
  uuid: string;
  /** ms since 1970 UTC. */
  version_id: number;
  creator: string;
  /** ISO 8601 UTC with microseconds and `+00:00`. */
  collected: string;
  /** Why its bytes can't be had: an error, unless the platform has them already. */
  missing?: string;
}

/** Of a source that is a local copy of what is on the platform, or will be: identity, place and people are its own. */
export interface Replica {
  uuid: string;
  scope: { uuid: string; name: string; description: string };
  creator: string;
  notes: string | null;
  /** When the metadata were changed last by the clock of this computer, ms since 1970 UTC. */
  modified: number;
  /** What was read, in the backend's own words: writing back does nothing where this no longer holds. */
  state: string;
}

/** A conversion the agent should run; its output is uploaded as one more file of the dataset. */
export interface ConversionRequest {
  converter: string;
  /** Absolute path of the input file or folder. */
  input: string;
  /** Logical name of the input; that of the output is this with the suffix replaced. */
  name: string;
  options?: Record<string, unknown>;
}

/** An image to shrink to a JPEG thumbnail `__thumbnail_<n>`. */
export interface ThumbnailRequest {
  path: string;
  /** Named literally (not by a glob): failing is worth a warning. */
  literal: boolean;
}

/** Something left out on purpose; nothing is left out silently. */
export interface Skip {
  path: string;
  reason: string;
  rule?: string;
  /** Logical name of the file, when it would be one of the dataset's. */
  name?: string;
}

export interface DraftLog {
  code: string;
  message: string;
}

export interface DatasetDraft {
  name: string;
  alt_uid?: string;
  /** ISO 8601 UTC with microseconds and `+00:00`. */
  collected: string;
  description?: string;
  keywords: string[];
  ranking: number;
  /** Values become text by rule S3 when pushed; nested ones are allowed here. */
  attributes: Record<string, unknown>;
  files: FileDraft[];
  conversions?: ConversionRequest[];
  thumbnails?: ThumbnailRequest[];
  skips?: Skip[];
  logs?: DraftLog[];
  /** Problems that quarantine the item while its readable files are uploaded all the same. */
  problems?: ErrorData[];
  /** `incomplete`: the measurement runs or died; what exists is published. */
  state?: "complete" | "incomplete";
  /** Present when the source takes over what users change on the platform; its backend can `writeBack`. */
  replica?: Replica;
}

/** Answer of a backend's `read`: a draft, or the reason why there is nothing to publish yet. */
export type ReadResult = { draft: DatasetDraft } | { not_started: string };
