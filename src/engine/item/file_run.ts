/** One file of a run: published, counted and written into the record, whatever becomes of it. */
import { type ErrorData, SyncError } from "../../kit/errors.ts";
import { isoFromMs } from "../../kit/time.ts";
import type { Candidate, FailedCandidate } from "./candidates.ts";
import type { PublishedDataset } from "./publish_dataset.ts";
import { type FileResult, publishFile } from "./publish_file.ts";
import type { ItemProgress } from "./progress.ts";
import type { Services } from "../services.ts";
import type { Recorder, UploadEntry } from "./sync_record.ts";
import type { OnceItem, PlannedFile } from "../views.ts";

export interface ItemRunOptions {
  iteration: number;
  dryRun: boolean;
  /** No files: the item is being measured, and followed live. */
  metadataOnly?: boolean;
  signal?: AbortSignal;
  progress?: ItemProgress;
  /** The run goes on as that of another item (its id), which moved to this place. */
  relocated?: (item: number) => void;
}

export interface ItemOutcome {
  item: OnceItem;
  files_uploaded: number;
  bytes_uploaded: number;
  /** Uploaded files that a backend or converter made. */
  files_converted: number;
  files_unchanged: number;
  /** What went wrong, decisive first; the caller looks for causes outside of the item. */
  error: ErrorData | undefined;
}

/** What the files of one run share. */
export interface FileRun {
  recorder: Recorder;
  /** Filled in a dry run. */
  plan: PlannedFile[];
  outcome: ItemOutcome;
  /** Id of the source. */
  source: number;
  creator: string;
  options: ItemRunOptions;
  /** Filled with the versions that the platform has. */
  secured: { uuid: string; version_id: number }[];
}

/** An error that is in the record already; it only ends the run of this item. */
export class RecordedError extends Error {
  constructor(override readonly cause: SyncError) {
    super(cause.message);
  }
}

/**
 * Publishes one file and records the result; a failure is recorded and the next file can follow (L2).
 * @throws RecordedError when the others would fail alike: no platform, no login, no disk, no answer of the share
 */
export async function publishAndRecord(
  s: Services,
  dataset: PublishedDataset,
  file: Candidate | FailedCandidate,
  { recorder, plan, outcome, creator, source, options, secured }: FileRun,
): Promise<void> {
  const planned = (action: string, version_id: number | null, reason: string) =>
    plan.push({ name: file.name, action, version_id, reason });
  const failed = (error: ErrorData) => {
    recorder.error(error);
    recorder.upload(file.name, uploadEntry(s, file, { error: `${error.code}: ${error.message}` }));
    planned("failed", null, error.message);
  };
  if ("error" in file) {
    failed(file.error);
    if (file.error.class === "source") throw new RecordedError(SyncError.fromData(file.error));
    return;
  }
  for (const l of file.identity.logs) recorder.log(l.code, `${file.name}: ${l.message}`);
  try {
    const { signal, progress } = options;
    const done = await publishFile(s, dataset, file, {
      dryRun: options.dryRun,
      creator,
      sourceId: source,
      ...(signal ? { signal } : {}),
      ...(progress
        ? {
          onStart: () => progress.sending(file.name, file.identity.size),
          onProgress: (sent: number) => progress.sent(file.name, sent),
          onChecking: (read: number | null, size: number) => progress.checking(file.filename, read, size),
        }
        : {}),
    });
    for (const note of done.notes) recorder.log("upload_note", `${file.name}: ${note}`);
    recorder.upload(file.name, uploadEntry(s, file, hashesOf(done)));
    planned(done.action, done.version_id, done.reason);
    secured.push({ uuid: done.file_uuid, version_id: done.version_id });
    if (done.action === "unchanged") outcome.files_unchanged++;
    else {
      outcome.files_uploaded++;
      outcome.bytes_uploaded += done.bytes;
      if (file.converter !== null || file.origin === null) outcome.files_converted++;
    }
  } catch (e) {
    if (options.signal?.aborted) throw e;
    const error = SyncError.from(e);
    failed(error.toData());
    if (["network", "auth", "local", "source"].includes(error.class)) throw new RecordedError(error);
  } finally {
    options.progress?.done(file.name);
  }
}

/** An entry of the record, an error until the rest says otherwise. */
export function uploadEntry(
  s: Services,
  file: Pick<Candidate, "filename" | "origin" | "converter">,
  rest: Partial<UploadEntry>,
): UploadEntry {
  return {
    filename: file.filename,
    file_path: file.origin?.path ?? null,
    file_m_time: file.origin?.mtime_ms ? isoFromMs(file.origin.mtime_ms) : null,
    file_uuid: null,
    version_id: null,
    sync_timestamp: isoFromMs(s.env.now()),
    md5: null,
    sha256: null,
    content_aware_checksum: null,
    size: null,
    status: "ERROR",
    converter: file.converter,
    error: null,
    action: null,
    skip_reason: null,
    ...rest,
  };
}

function hashesOf(done: FileResult): Partial<UploadEntry> {
  const { content_md5, md5, sha256, size } = done.identity;
  return {
    file_uuid: done.file_uuid,
    version_id: done.version_id,
    // Unknown in a dry run, which reads no large file that is new.
    md5: md5 || null,
    sha256: sha256 || null,
    content_aware_checksum: content_md5 === null ? null : { method: "md5_netcdf4", value: content_md5 },
    size,
    status: "OK",
    action: done.action,
  };
}
