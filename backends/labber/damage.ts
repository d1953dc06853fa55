/** What happens to a file that cannot be read as a whole (B3). */
import { type ErrorData, SyncError } from "../../src/kit/errors.ts";

/** A file written to more recently than this may be half written, ms. */
const FRESH_MS = 120_000;

/** Codes that say more than that the file is damaged. */
const TELLING = new Set([
  "not_a_labber_log",
  "labber_layout",
  "hdf5_unknown_filter",
  "hdf5_unsupported_type",
  "hdf5_outside_file",
]);

/** Collects what is wrong with one file, so that the rest of it is read all the same. */
export class Damage {
  readonly problems: ErrorData[] = [];

  /**
   * @param path the user's file
   * @param copy what is read instead of it
   * @param age ms since it was written
   */
  constructor(readonly path: string, readonly copy: string, readonly age: number) {}

  /**
   * Runs a step of reading.
   * @returns undefined when the step failed because of the file
   * @throws SyncError busy `hdf5_half_written` when its writer may still complete it; what has other causes
   */
  async attempt<T>(step: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (thrown) {
      const cause = SyncError.from(thrown);
      if (cause.code === "hdf5_half_written" || (cause.class !== "data" && cause.class !== "busy")) {
        throw thrown;
      }
      const message = cause.message.replaceAll(this.copy, this.path);
      if (Math.abs(this.age) < FRESH_MS) {
        throw new SyncError("busy", "hdf5_half_written", message, {
          hint: "Labber still writes the file; it is read again when it has come to rest.",
          cause,
        });
      }
      const [code, hint] = TELLING.has(cause.code) ? [cause.code, cause.hint] : [
        "unreadable_hdf5",
        "The file is uploaded as it is; check it with h5dump, and copy it again if you can.",
      ];
      this.problems.push(new SyncError("data", code, message, { hint, cause }).toData());
    }
  }
}
