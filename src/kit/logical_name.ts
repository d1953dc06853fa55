/** Logical names of files inside a dataset: `/` separated, NFC, relative, without `.` and `..` (F7). */
import { SyncError } from "./errors.ts";
import type { ErrorData } from "./errors.ts";

/**
 * @param relative path relative to the dataset, with the separators of the OS
 * @param windows whether `\` separates (on POSIX it is an ordinary character)
 * @throws SyncError data `file_name_invalid` when it is absolute, empty, or has an empty, `.` or `..` part
 */
export function logicalName(relative: string, windows: boolean = Deno.build.os === "windows"): string {
  const name = (windows ? relative.replaceAll("\\", "/") : relative).normalize("NFC");
  const drive = windows && /^[A-Za-z]:/.test(name);
  if (drive || name.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new SyncError(
      "data",
      "file_name_invalid",
      `${JSON.stringify(relative)} is no name inside the dataset`,
      {
        hint: "Give the file a relative path without empty, `.` or `..` parts.",
      },
    );
  }
  return name;
}

/** Order of file names in drafts, independent of locale. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Keeps the first file of each name and reports every further one (F15). Where two real names differ only by
 * Unicode normalization, the one already in NFC is the first.
 * @param hint what to do, for callers that give files of different names the same one
 * @returns the kept files sorted by name, and one `data` problem per file left out
 */
export function uniqueByName<F extends { name: string; path: string }>(
  files: F[],
  hint = "Rename one of the two files: their names differ only in how their letters are encoded.",
): { kept: F[]; problems: ErrorData[] } {
  const normalized = (f: F) => f.path === f.path.normalize("NFC") ? 0 : 1;
  const sorted = [...files].sort((a, b) =>
    compareNames(a.name, b.name) || normalized(a) - normalized(b) || compareNames(a.path, b.path)
  );
  const kept: F[] = [];
  const problems: ErrorData[] = [];
  for (const file of sorted) {
    const first = kept.at(-1);
    if (first?.name !== file.name) kept.push(file);
    else {
      problems.push(
        new SyncError(
          "data",
          "duplicate_file_name",
          `${file.path}: a file named ${JSON.stringify(file.name)} exists already (${first.path})`,
          { hint },
        ).toData(),
      );
    }
  }
  return { kept, problems };
}
