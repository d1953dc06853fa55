/** One file of a measurement folder that is followed while it grows. */
import type { LiveChange, LiveEnd, LiveVariable } from "../../../src/kit/live.ts";

export interface FileStructure {
  variables: LiveVariable[];
  attrs: Record<string, unknown>;
}

export interface FileLook {
  /** Patches and extents, with the names of the structure. */
  changes: LiveChange[];
  /** More is there already. */
  more?: boolean;
  /** The file says that it is finished, and everything of it was given. */
  end?: LiveEnd;
  /** It is another file, or of another structure: it has to be opened anew. */
  anew?: boolean;
}

/** All of its methods may throw a SyncError; class busy: nothing is lost, try again. */
export interface FollowedFile extends Disposable {
  readonly path: string;
  /** What is in the file, read when the following begins; undefined while the file does not tell it yet. */
  structure(): FileStructure | undefined;
  /** What is new since the last look; called when there is a structure. */
  look(): FileLook;
}
