/** The errors of a reader process that did not answer. */
import { SyncError } from "../kit/errors.ts";
import type { ReaderTasks, TaskKind } from "./tasks.ts";

/** What a task works on, for messages. */
export function describeTask<K extends TaskKind>(kind: K, input: ReaderTasks[K]["input"]): string {
  const of: { [T in TaskKind]: (i: ReaderTasks[T]["input"]) => string } = {
    describe: () => "listing backends and converters",
    resolve: (i) => `checking a configuration of ${i.backend}`,
    discover: (i) => `looking for items with ${i.backend}`,
    read: (i) => `reading item "${i.item.identifier}" with ${i.backend}`,
    write_back: (i) => `noting in the source that "${i.item.identifier}" is done with ${i.backend}`,
    find_dataset: (i) => `looking for "${i.alt_uid}" with ${i.backend}`,
    convert: (i) => `converting ${i.input} with ${i.converter}`,
    inspect: (i) => `inspecting ${i.path}`,
    compare_live: (i) => `comparing ${i.live} with what was synchronized`,
    thumbnail: (i) => `making a thumbnail of ${i.path}`,
  };
  return of[kind](input);
}

const readerError = (code: string, message: string, hint: string) =>
  new SyncError("reader", code, message, { hint, blame: "file" });

export const failures = {
  hang: (task: string, ms: number) =>
    readerError(
      "reader_hang",
      `${task}: no answer within ${ms / 1000} s; the process was killed`,
      "The file may be damaged or on a very slow disk: see whether other programs can open it.",
    ),
  memory: (task: string, rss: number, limit: number) =>
    readerError(
      "reader_memory",
      `${task}: used ${mib(rss)} of memory where ${mib(limit)} are allowed; the process was killed`,
      "The file may be damaged or too large for this backend.",
    ),
  flood: (task: string, reason: string) =>
    readerError(
      "reader_flood",
      `${task}: printed ${reason}; the process was killed`,
      "The backend or converter prints without end: report it to its author.",
    ),
  protocol: (task: string, reason: string) =>
    readerError(
      "reader_protocol",
      `${task}: ${reason}`,
      "The backend or converter disturbs the reader process: report it to its author.",
    ),
  crash: (task: string, ending: string, printed: string) =>
    readerError(
      /out of memory/i.test(printed) ? "reader_memory" : "reader_crash",
      `${task}: the process ended with ${ending}${printed && `; it printed last: ${printed}`}`,
      "The file may be damaged; the item is tried again, and set aside when that fails repeatedly.",
    ),
  /** Nobody's item is to blame: the process ended, or hung, before it took the task. */
  start: (reason: string, cause?: unknown) =>
    new SyncError("local", "reader_start_failed", `no reader process could be started: ${reason}`, {
      cause,
      hint:
        "Check free memory and the limits on processes and open files; reinstall etiket-sync if this stays.",
    }),
  aborted: (task: string, cause?: unknown) =>
    new SyncError("busy", "aborted", `${task}: stopped before it was done`, {
      cause,
      retry: "now",
      blame: "us",
      hint: "Nothing is wrong; it is done at the next run.",
    }),
};

/** What is wrong with a converter's process is a failure of that conversion (rule K8). */
export function asConverterFailure(error: SyncError): SyncError {
  if (error.class !== "reader") return error;
  return new SyncError("converter", "converter_failed", `${error.message} (${error.code})`, {
    cause: error,
    hint: error.hint,
  });
}

const mib = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MiB`;
