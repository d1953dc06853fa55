/** Memory of multipart uploads that are under way, so that they go on after a crash (U7). */
import type { Fingerprint } from "../kit/drafts.ts";

/** A part that the store has confirmed. */
export interface JournalPart {
  /** From 1. */
  number: number;
  md5: string;
  /** As the store gave it, quotes kept. */
  etag: string;
}

export interface JournalEntry {
  file_uuid: string;
  version_id: number;
  /** Empty until the platform has told it. */
  upload_id: string;
  /** Bytes. */
  part_size: number;
  /** One PUT link a part, in order. */
  urls: string[];
  /** End of the links' validity, platform time, ms since 1970. */
  expires: number;
  /** What the bytes come from; an upload goes on only from the very same state. */
  path: string;
  fingerprint: Fingerprint;
  /** SHA-256 of the whole, lower-case hex; empty for a file that is hashed while it is sent. */
  sha256: string;
  /** Platform time, ms since 1970: the PC's clock may be set meanwhile (U10). */
  started: number;
}

/** An open upload and the parts that are there. */
export type OpenUpload = JournalEntry & { parts: JournalPart[] };

export interface UploadJournal {
  find(file_uuid: string, version_id: number): OpenUpload | undefined;
  /** Durable when this returns. */
  begin(entry: JournalEntry): void;
  /** Survives the death of the process when this returns. */
  partDone(file_uuid: string, version_id: number, part: JournalPart): void;
  /** Open uploads of any version of a file. */
  ofFile(file_uuid: string): JournalEntry[];
  end(file_uuid: string, version_id: number): void;
  /** Uploads begun before `before` (platform time, ms since 1970), to be aborted. */
  orphans(before: number): JournalEntry[];
}
