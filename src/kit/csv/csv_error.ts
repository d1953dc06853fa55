/** Failures of a CSV file, each naming the line. */
import { SyncError } from "../errors.ts";

/** @param line line of the file, from 1 */
export function csvError(code: string, file: string, line: number, what: string, hint: string): SyncError {
  return new SyncError("data", code, `${file}, line ${line}: ${what}`, { hint });
}
