/** What a sync record says about an item's last run and about one of its files. */
import type { SyncRecordData, UploadEntry } from "../item/sync_record.ts";
import type { LogNode, TaskNode } from "../item/task_log.ts";

/** One remark of a run: an error, or a log with a code. */
export interface Remark {
  kind: "error" | "log";
  code: string | null;
  message: string;
  hint: string | null;
}

export interface LastRun {
  /** ISO time of its begin. */
  date: string;
  name: string;
  has_errors: boolean;
  remarks: Remark[];
}

export function lastRun(record: SyncRecordData | undefined): LastRun | null {
  const run = record?.logs.findLast((n): n is TaskNode => n.type === "task");
  if (!run) return null;
  return { date: run.date, name: run.name, has_errors: run.has_errors, remarks: [...remarksOf(run)] };
}

/** The last move of an item's input that a stored run tells of, as a sentence with its time. */
export function lastMove(record: SyncRecordData | undefined): string | undefined {
  for (const run of record?.logs.toReversed() ?? []) {
    if (run.type !== "task") continue;
    const move = [...remarksOf(run)].find((r) => r.code === "moved_from");
    if (move) return `its input ${move.message} (noticed ${run.date})`;
  }
  return undefined;
}

function* remarksOf(node: LogNode): Generator<Remark> {
  if (node.type === "task") {
    for (const child of node.content) yield* remarksOf(child);
  } else if (node.type === "error") {
    yield {
      kind: "error",
      code: node.code ?? node.exception,
      message: node.message,
      hint: node.hint || null,
    };
  } else yield { kind: "log", code: node.code ?? null, message: node.message, hint: null };
}

/** The newest upload of one logical name. */
export interface FileUpload extends
  Pick<
    UploadEntry,
    | "filename"
    | "file_path"
    | "file_uuid"
    | "version_id"
    | "sync_timestamp"
    | "md5"
    | "sha256"
    | "size"
    | "status"
    | "error"
    | "action"
    | "skip_reason"
  > {
  name: string;
  /** Id of the converter that made it, null for a file of the user. */
  converter: string | null;
}

/** A path inside an item with the folders around it, innermost first: what is decided for a folder holds for it. */
export interface Inside {
  /** Logical names; the first is that of the path itself. */
  names: readonly string[];
  /** The same as absolute paths. */
  paths: readonly string[];
}

/** The newest upload of each name; with `of`, of those made from that path or a folder around it. */
export function uploads(record: SyncRecordData | undefined, of?: Inside): FileUpload[] {
  const files: FileUpload[] = [];
  for (const [name, entries] of Object.entries(record?.files ?? {})) {
    const newest = entries.at(-1);
    if (!newest) continue;
    const from = newest.file_path;
    if (of && name !== of.names[0] && !(from !== null && of.paths.includes(from))) continue;
    files.push({
      name,
      filename: newest.filename,
      file_path: newest.file_path,
      action: newest.action,
      status: newest.status,
      version_id: newest.version_id,
      size: newest.size,
      sync_timestamp: newest.sync_timestamp,
      error: newest.error,
      skip_reason: newest.skip_reason,
      converter: newest.converter?.method ?? null,
      file_uuid: newest.file_uuid,
      md5: newest.md5,
      sha256: newest.sha256,
    });
  }
  return files;
}

/** A file or folder that the last run left out on purpose. */
export interface SkippedPath {
  /** Relative to the item. */
  path: string;
  reason: string;
  rule: string | null;
}

/** Runs record a skip as a log with the code `skip_<reason>` and the text `path (rule: rule)`. */
export function skips(run: LastRun | null, of?: Inside): SkippedPath[] {
  const found: SkippedPath[] = [];
  for (const remark of run?.remarks ?? []) {
    if (!isSkip(remark)) continue;
    const [, path = "", rule] = /^(.*?)(?: \(rule: (.*)\))?$/s.exec(remark.message) ?? [];
    if (of && !of.names.includes(path) && !of.paths.includes(path)) continue;
    found.push({ path, reason: remark.code?.slice("skip_".length) ?? "", rule: rule ?? null });
  }
  return found;
}

function isSkip(remark: Remark): boolean {
  return remark.kind === "log" && (remark.code?.startsWith("skip_") ?? false);
}

/** Other remarks that name a path inside the item as a whole word. */
export function remarksAbout(run: LastRun | null, of: Inside): Remark[] {
  const texts = [of.names[0], of.paths[0]].filter((t) => t !== undefined);
  return (run?.remarks ?? []).filter((r) => !isSkip(r) && texts.some((t) => mentions(r.message, t)));
}

function mentions(message: string, text: string): boolean {
  for (let at = message.indexOf(text); at >= 0; at = message.indexOf(text, at + 1)) {
    const before = message[at - 1] ?? " ";
    const after = message.slice(at + text.length);
    if (!/[\p{L}\p{N}_./-]/u.test(before) && !/^(?:[\p{L}\p{N}_/-]|\.[\p{L}\p{N}])/u.test(after)) return true;
  }
  return false;
}
