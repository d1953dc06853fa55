import { SyncError } from "../kit/errors.ts";
import { outOfHandles } from "../kit/file_failures.ts";

type Rule = { pattern: RegExp; make: (path: string, cause: unknown) => SyncError };

/** First match wins. Windows numbers its errors differently: 32 and 33 are sharing and lock violations. */
const RULES: Rule[] = [
  {
    pattern: /\bENOENT\b|NotFound|os error (2|3)\b|ENOTDIR|NotADirectory/,
    make: (path, cause) =>
      new SyncError("busy", "file_vanished", `${path}: is no longer there`, {
        hint: "The file was moved or deleted while it was looked at: nothing to do, the agent looks again.",
        cause,
      }),
  },
  {
    pattern: /\bEBUSY\b|os error (32|33)\b|ETXTBSY|\bBusy\b|EAGAIN|WouldBlock/,
    make: (path, cause) =>
      new SyncError("busy", "file_locked", `${path}: is locked by another program`, {
        hint: "The agent tries again by itself; close the program that holds the file if it takes long.",
        cause,
      }),
  },
  {
    pattern: /\bEACCES\b|\bEPERM\b|PermissionDenied|NotCapable/,
    make: (path, cause) =>
      new SyncError("data", "file_unreadable", `${path}: reading is not permitted`, {
        hint: "Give the user that runs etiket-sync permission to read this file.",
        cause,
      }),
  },
  {
    pattern: /\bENOSPC\b|\bEDQUOT\b|os error (28|112|122)\b/,
    make: (path, cause) =>
      new SyncError("local", "disk_full", `${path}: no space left on the disk`, {
        hint: "Free space on the disk that holds etiket-sync's data folder.",
        cause,
      }),
  },
];

/** The error for a failed system call on a user's file. */
export function fileError(thrown: unknown, path: string): SyncError {
  if (thrown instanceof SyncError) return thrown;
  const scarce = outOfHandles(thrown, path);
  if (scarce) return scarce;
  const code = thrown instanceof Error && "code" in thrown ? `${thrown.code} ` : "";
  const text = thrown instanceof Error ? `${code}${thrown.name} ${thrown.message}` : String(thrown);
  const rule = RULES.find((r) => r.pattern.test(text));
  if (rule) return rule.make(path, thrown);
  // Bad sectors, lost shares: often over when tried again, and counted when not.
  return new SyncError("busy", "file_read_failed", `${path}: ${text}`, {
    hint: "Check the disk or the network share that holds the file.",
    cause: thrown,
  });
}

/** The error for a failed system call on a file of the agent's own: never the user's file's fault. */
export function stagingError(thrown: unknown, path: string): SyncError {
  const error = fileError(thrown, path);
  if (error.class === "local") return error;
  return new SyncError(
    "local",
    "staging_failed",
    `${path}: the working copy cannot be written: ${error.message}`,
    {
      hint: "Check that etiket-sync's data folder exists and may be written to.",
      cause: thrown,
    },
  );
}

/** The error for a file that was written while it was read (U1). */
export function fileChanging(path: string): SyncError {
  return new SyncError("busy", "file_changing", `${path}: was written to while it was read`, {
    hint: "The agent tries again when the file has come to rest.",
  });
}
