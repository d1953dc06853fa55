/** The sync record of an item: the history of its runs, uploads and errors (behaviour 7.1), bounded (R3). */
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import type { ErrorData } from "../kit/errors.ts";
import { redact } from "../kit/redact.ts";

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

export interface TaskNode {
  type: "task";
  name: string;
  date: string;
  sync_iteration: number;
  has_errors: boolean;
  content: LogNode[];
}
export type LogNode =
  | TaskNode
  | { type: "log"; date: string; message: string; code?: string }
  | (
    & { type: "error"; date: string; message: string; exception: string; stacktrace: string | null }
    & Pick<
      ErrorData,
      "code" | "class" | "retry" | "hint"
    >
  );

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

/** Writes one run into a record. */
export class RunRecorder {
  readonly #record: SyncRecordData;
  readonly #run: TaskNode;
  #stack: TaskNode[];
  readonly errors: ErrorData[] = [];
  /** Something worth keeping happened in this run. */
  eventful = false;

  /** Begins the task `sync #<attempt>` (R2). `now` gives ISO times. */
  constructor(
    previous: SyncRecordData | undefined,
    path: string | null,
    attempt: number,
    private readonly iteration: number,
    private readonly now: () => string,
  ) {
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
    this.#run = this.#node(`sync #${attempt}`);
    this.#stack = [this.#run];
    if (!previous) this.eventful = true;
  }

  #node(name: string): TaskNode {
    return {
      type: "task",
      name,
      date: this.now(),
      sync_iteration: this.iteration,
      has_errors: false,
      content: [],
    };
  }

  #add(node: LogNode): void {
    this.#stack.at(-1)?.content.push(node);
  }

  /** Runs `work` as a task of its own; an error it throws is recorded there, once, and passed on. */
  async task<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const node = this.#node(name);
    this.#add(node);
    this.#stack.push(node);
    try {
      return await work();
    } finally {
      this.#stack.pop();
    }
  }

  log(code: string, message: string): void {
    this.#add({ type: "log", date: this.now(), code, message: redact(message) });
  }

  /** Records an error at the current task and flags all tasks above it (R1). */
  error(e: ErrorData): void {
    this.errors.push(e);
    this.eventful = true;
    for (const t of this.#stack) t.has_errors = true;
    this.#add({
      type: "error",
      date: this.now(),
      message: redact(e.message),
      exception: e.code,
      stacktrace: e.stack ? redact(e.stack).slice(0, 8000) : null,
      code: e.code,
      class: e.class,
      retry: e.retry,
      hint: e.hint,
    });
  }

  /** Something changed: the record must be stored even without errors. */
  changed(): void {
    this.eventful = true;
  }

  /** Adds what happened to one file of the draft; an unchanged file replaces an equal last entry. */
  upload(name: string, entry: UploadEntry): void {
    const list = this.#record.files[name] ??= [];
    const last = list.at(-1);
    if (
      entry.action === "unchanged" && last?.status === "OK" && last.sha256 === entry.sha256 &&
      last.version_id === entry.version_id
    ) {
      return;
    }
    this.eventful = true;
    list.push({ ...entry, error: entry.error === null ? null : redact(entry.error) });
  }

  /** The newest upload of every name. */
  newestUploads(): Record<string, UploadEntry> {
    return Object.fromEntries(
      Object.entries(this.#record.files).flatMap(([k, v]) => v.at(-1) ? [[k, v.at(-1)!]] : []),
    );
  }

  /** Ends the run. @returns the bytes to store, or undefined when nothing worth keeping happened */
  finish(): Uint8Array | undefined {
    const lastRun = this.#record.logs.at(-1);
    const quietBefore = lastRun?.type === "task" && !lastRun.has_errors;
    if (!this.eventful && quietBefore && !this.#hasNews()) return undefined;
    this.#record.sync_time = this.now();
    this.#record.logs.push(this.#run);
    return this.#bounded();
  }

  /** Whether this run logged something that no stored run did: a new skip, an edit that was kept. */
  #hasNews(): boolean {
    const known = new Set(this.#record.logs.flatMap(logTexts));
    return logTexts(this.#run).some((text) => !known.has(text));
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

function pack(record: SyncRecordData): Uint8Array {
  return gzipSync(JSON.stringify(record));
}

/** Every log below a node, as text to compare. */
function logTexts(node: LogNode): string[] {
  if (node.type === "task") return node.content.flatMap(logTexts);
  return node.type === "log" ? [`${node.code ?? ""} ${node.message}`] : [];
}
