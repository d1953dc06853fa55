/** The sync record of an item: the history of its runs, uploads and errors (behaviour 7.1), bounded (R3). */
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { redact } from "../../kit/redact.ts";
import { type LogNode, logTexts, TaskLog } from "./task_log.ts";

const checksum = z.object({ method: z.string(), value: z.string() }).nullable();
const converter = z.object({
  method: z.string(),
  status: z.enum(["OK", "ERROR"]),
  error: z.string().nullable(),
  type: z.literal("converter"),
})
  .nullable();

const uploadSchema = z.looseObject({
  filename: z.string(),
  file_path: z.string().nullable(),
  file_m_time: z.string().nullable(),
  file_uuid: z.string().nullable(),
  version_id: z.number().nullable(),
  sync_timestamp: z.string().nullable(),
  md5: z.string().nullable(),
  sha256: z.string().nullable(),
  content_aware_checksum: checksum,
  size: z.number().nullable(),
  status: z.enum(["OK", "ERROR"]),
  converter,
  error: z.string().nullable(),
  action: z.enum(["uploaded", "unchanged", "replaced", "skipped"]).nullable(),
  skip_reason: z.string().nullable(),
});
export type UploadEntry = z.infer<typeof uploadSchema>;

// The log tree is ours alone: it is kept as it is, its shape is checked at the top level only.
const recordSchema = z.looseObject({
  version: z.number(),
  dataset_sync_path: z.string().nullable(),
  sync_time: z.string(),
  files: z.record(z.string(), z.array(uploadSchema)),
  logs: z.array(z.custom<LogNode>((v) => typeof v === "object" && v !== null && "type" in v)),
  cut: z.object({ runs: z.number(), uploads: z.number() }).default({ runs: 0, uploads: 0 }),
});
export type SyncRecordData = z.infer<typeof recordSchema>;

const KEPT_RUNS = 20;
const KEPT_UPLOADS = 10;
const BYTE_LIMIT = 1 << 20;

/** Reads a stored record; undefined when there is none or it cannot be read any more. */
export function loadRecord(blob: Uint8Array | undefined): SyncRecordData | undefined {
  if (!blob) return undefined;
  try {
    return recordSchema.parse(JSON.parse(gunzipSync(blob).toString()));
  } catch {
    return undefined;
  }
}

/** What one strand of a run writes: its tasks, logs, errors and uploads. */
export type Recorder = Pick<RunStrand, "task" | "log" | "error" | "upload">;

/** A part of a run that goes on beside others; what it wrote becomes part of the record where the run joins it. */
export class RunStrand extends TaskLog {
  readonly uploads: [name: string, entry: UploadEntry][] = [];

  upload(name: string, entry: UploadEntry): void {
    this.uploads.push([name, entry]);
  }
}

/** Writes one run into a record. */
export class RunRecorder extends TaskLog {
  readonly #record: SyncRecordData;
  readonly #met = new Set<string>();
  #changed = false;

  /** Begins the task `sync #<attempt>` (R2). `now` gives ISO times. */
  constructor(
    previous: SyncRecordData | undefined,
    path: string | null,
    attempt: number,
    iteration: number,
    now: () => string,
  ) {
    super(`sync #${attempt}`, iteration, now);
    this.#record = previous ??
      {
        version: 1,
        dataset_sync_path: path,
        sync_time: now(),
        files: {},
        logs: [],
        cut: { runs: 0, uploads: 0 },
      };
    this.#record.dataset_sync_path = path;
    if (!previous) this.#changed = true;
  }

  /** Something worth keeping happened in this run, or is no longer so: the record and the folder's manifest are written. */
  get eventful(): boolean {
    return this.#changed || this.errors.length > 0 || !this.#wasQuiet() || this.#hasNews();
  }

  /** Something changed: the record must be stored even without errors. */
  changed(): void {
    this.#changed = true;
  }

  /** Begins something that goes on beside the rest; {@link join} it when it is done. */
  strand(): RunStrand {
    return new RunStrand("strand", this.iteration, this.now);
  }

  join(strand: RunStrand): void {
    this.append(strand);
    for (const [name, entry] of strand.uploads) this.upload(name, entry);
  }

  /** Adds what happened to one file of the draft; an unchanged file replaces an equal last entry. */
  upload(name: string, entry: UploadEntry): void {
    this.#met.add(name);
    const list = this.#record.files[name] ??= [];
    const last = list.at(-1);
    if (
      entry.action === "unchanged" && last?.status === "OK" && last.action !== "skipped" &&
      last.sha256 === entry.sha256 && last.version_id === entry.version_id
    ) {
      // After a move it is the same upload, of a file that lies elsewhere.
      if (last.file_path !== entry.file_path) this.#changed = true;
      last.file_path = entry.file_path;
      return;
    }
    this.#changed = true;
    list.push({ ...entry, error: entry.error === null ? null : redact(entry.error) });
  }

  /** The newest upload of every name. */
  newestUploads(): Record<string, UploadEntry> {
    return Object.fromEntries(
      Object.entries(this.#record.files).flatMap(([k, v]) => v.at(-1) ? [[k, v.at(-1)!]] : []),
    );
  }

  /** Names of earlier runs that no upload of this one concerned, with their newest entries. */
  notMet(): [name: string, last: UploadEntry][] {
    return Object.entries(this.newestUploads()).filter(([name]) => !this.#met.has(name));
  }

  /** Ends the run. @returns the bytes to store, or undefined when nothing worth keeping happened */
  finish(): Uint8Array | undefined {
    if (!this.eventful) return undefined;
    this.#record.sync_time = this.now();
    this.#record.logs.push(this.root);
    return this.#bounded();
  }

  /** Whether the last stored run went well. */
  #wasQuiet(): boolean {
    const last = this.#record.logs.at(-1);
    return last?.type === "task" && !last.has_errors;
  }

  /**
   * Whether this run logged something that no stored run did, such as an edit that was kept, or left out other files than
   * the last one.
   */
  #hasNews(): boolean {
    const texts = logTexts(this.root);
    const known = new Set(this.#record.logs.flatMap(logTexts));
    if (texts.some((text) => !known.has(text))) return true;
    const before = this.#record.logs.at(-1);
    return skipsIn(before ? logTexts(before) : []) !== skipsIn(texts);
  }

  #bounded(): Uint8Array {
    const r = this.#record;
    const cutRuns = (keep: number) => {
      const extra = Math.max(0, r.logs.length - keep);
      r.logs.splice(0, extra);
      r.cut.runs += extra;
    };
    const cutUploads = (keep: number) => {
      for (const list of Object.values(r.files)) {
        const extra = Math.max(0, list.length - keep);
        list.splice(0, extra);
        r.cut.uploads += extra;
      }
    };
    cutRuns(KEPT_RUNS);
    cutUploads(KEPT_UPLOADS);
    let bytes = pack(r);
    for (let keep = 10; bytes.length > BYTE_LIMIT && keep >= 1; keep = Math.floor(keep / 2)) {
      cutRuns(keep);
      cutUploads(keep);
      bytes = pack(r);
    }
    return bytes;
  }
}

/** What a run left out, as one text. */
function skipsIn(texts: readonly string[]): string {
  return texts.filter((text) => text.startsWith("skip_")).sort().join("\n");
}

function pack(record: SyncRecordData): Uint8Array {
  return gzipSync(JSON.stringify(record));
}
