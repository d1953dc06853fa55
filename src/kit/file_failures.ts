/** Failures of the file system as errors that say whose file it was. */
import { SyncError } from "./errors.ts";

/** Runs a call that reads a user's file. @throws SyncError `file_unreadable` (class source) */
export function reading<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new SyncError("source", "file_unreadable", `${path}: ${messageOf(cause)}`, {
      hint: "Check that the file exists and that the agent may read it; it is tried again.",
      cause,
    });
  }
}

/** Runs a call that writes, or reads back, a file of our own. @throws SyncError `file_not_written` (class local) */
export function writing<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new SyncError("local", "file_not_written", `${path}: ${messageOf(cause)}`, {
      hint: "Check free space and permissions of the agent's folder; it is tried again.",
      cause,
    });
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
