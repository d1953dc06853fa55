/** The files of a draft on their way to the platform: what they are, and how to get at their bytes. */
import type { Identity } from "../../catalog/caches.ts";
import type { OwnVersion } from "../../kit/drafts.ts";
import type { ErrorData } from "../../kit/errors.ts";
import type { Snapshot } from "../../transfer/snapshot.ts";
import type { UploadEntry } from "./sync_record.ts";

/** Stands for the hashes of a file that was not read yet. */
export const UNREAD = { md5: "", sha256: "" };

/** The file was read: its hashes are known. */
export function isRead(identity: Pick<Identity, "sha256">): boolean {
  return identity.sha256 !== "";
}

/** Bytes that no longer change, and what they are. */
export interface FrozenFile {
  snapshot: Snapshot;
  identity: Identity;
}

/** One file that the dataset should have. */
export interface Candidate {
  /** Logical name. */
  name: string;
  filename: string;
  /** The file's own time, ms: candidate for the version id. */
  created: number;
  ranking: number;
  file_generator: string | null;
  /** What the bytes come from, for the record: the user's file or folder; null for what a backend made. */
  origin: { path: string; mtime_ms: number | null } | null;
  converter: UploadEntry["converter"];
  /** Of a replica: there is nothing to decide about which version it is. */
  version?: OwnVersion;
  /** Known without reading the bytes when the file is unchanged since an earlier run. */
  identity: Identity;
  /** Gets at the bytes; cheap when they were just read. The identity may be newer than the one known before. */
  freeze(): Promise<FrozenFile>;
  /**
   * Of a large file that nobody has read yet: gets at the bytes without reading them, so that one pass can both hash and
   * send them (U2). The identity has {@link UNREAD} hashes until then.
   */
  open?(): Promise<FrozenFile>;
}

/** A file of the draft that could not be made ready. */
export interface FailedCandidate {
  name: string;
  filename: string;
  origin: Candidate["origin"];
  converter: UploadEntry["converter"];
  error: ErrorData;
}
