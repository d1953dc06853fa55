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

/** The error when the system has no more file handles to give, which says nothing about the file; else undefined. */
export function outOfHandles(thrown: unknown, path: string): SyncError | undefined {
  if (!/\bE[MN]FILE\b|os error (23|24)\b/.test(`${codeOf(thrown)} ${messageOf(thrown)}`)) return undefined;
  return new SyncError("local", "too_many_open_files", `${path}: the system has no more file handles`, {
    hint: "Raise the limit of open files, or close programs; the agent goes on by itself.",
    cause: thrown,
  });
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
