/** The live file of a session: what goes wrong with it is told once, and ends nothing. */
import { SyncError } from "../../kit/errors.ts";
import type { LiveFile } from "../../kit/hdf5/live_file.ts";
import type { LiveChange } from "../../kit/live.ts";

export class SessionFile {
  #told = false;

  private constructor(
    private readonly file: LiveFile | undefined,
    private readonly onFailure: (error: SyncError) => void,
  ) {}

  /** @param folder null: there is to be no file */
  static async in(folder: string | null, onFailure: (error: SyncError) => void): Promise<SessionFile> {
    if (folder === null) return new SessionFile(undefined, onFailure);
    const { LiveFile } = await import("../../kit/hdf5/live_file.ts");
    return new SessionFile(new LiveFile(folder), onFailure);
  }

  apply(changes: readonly LiveChange[]): void {
    // A measurement without variables has a file of its own that can be read while it grows.
    if (changes.some((change) => change.type === "open" && change.variables.length === 0)) return;
    this.#try((file) => file.apply(changes));
  }

  /** The file is an ordinary one from now on. */
  finish(): void {
    this.#try((file) => file.finish());
  }

  #try(work: (file: LiveFile) => void): void {
    try {
      if (this.file) work(this.file);
    } catch (e) {
      if (!this.#told) this.onFailure(SyncError.from(e));
      this.#told = true;
    }
  }
}
