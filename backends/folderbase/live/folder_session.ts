/** A measurement folder whose files grow, as one session. */
import { existsSync } from "node:fs";
import { posix } from "node:path";
import { SyncError } from "../../../src/kit/errors.ts";
import { fingerprintText, statExact } from "../../../src/kit/fingerprint.ts";
import type { LiveChange, LiveEnd, LiveLook, LiveOpen, LiveSession } from "../../../src/kit/live.ts";
import type { FollowedFile } from "./followed_file.ts";
import type { RunningFile } from "./running_files.ts";
import { SwmrFile } from "./swmr_file.ts";
import { TableFile } from "./table_file.ts";

/** So often it is asked whether further files of the folder grow. */
const FOLDER_MS = 5000;
/** A file that is not there for longer than this was taken away; rewriting it takes less. */
const GONE_MS = 5000;

export interface FolderFacts {
  name: string;
  attrs: Record<string, unknown>;
}

interface Followed {
  file: FollowedFile;
  /** Before the names of its variables, where several files grow. */
  prefix: string;
  end?: LiveEnd;
}

export class FolderSession implements LiveSession {
  readonly poll = { active: 100, quiet: 500 };
  readonly silence = "ends";
  #running: RunningFile[];
  #followed: Followed[] | undefined;
  #asked: number;
  /** How the files were at the last look. */
  #marks = "";
  /** Since when a file is missing. */
  #goneSince: number | undefined;

  /**
   * @param files those that grow when it begins
   * @param running gives the files that grow now
   */
  constructor(
    readonly folder: string,
    readonly facts: FolderFacts,
    files: RunningFile[],
    readonly running: () => RunningFile[],
    readonly now: () => number,
  ) {
    this.#running = [...files];
    this.#asked = now();
  }

  get watch(): string[] {
    return [this.folder, ...this.#running.map((file) => file.path)];
  }

  look(): LiveLook {
    try {
      if (this.#hasFurtherFiles()) this.#begin();
      const alive = this.#wasWritten();
      return { ...(this.#followed ? this.#lookAll(this.#followed) : this.#open()), alive };
    } catch (e) {
      return { changes: [], ...this.#failed(e) };
    }
  }

  /** Whether a file was written since the last look, also when that brought no value. */
  #wasWritten(): boolean {
    const marks = this.#running.map(({ path }) =>
      existsSync(path) ? fingerprintText(statExact(path, true)) : ""
    );
    const written = `${marks}` !== this.#marks;
    this.#marks = `${marks}`;
    return written;
  }

  /** What it means that a file could not be read. @throws the error when it does not pass by itself */
  #failed(error: unknown): Omit<LiveLook, "changes"> {
    const there = this.#running.filter(({ path }) => existsSync(path));
    const gone = this.#running.find((file) => !there.includes(file));
    if (!gone) {
      this.#goneSince = undefined;
      if (error instanceof SyncError && error.class === "busy") return { delayed: error.message };
      throw error;
    }
    this.#goneSince ??= this.now();
    if (this.now() - this.#goneSince < GONE_MS) return { delayed: `${gone.path} is missing` };
    if (there.length === 0) {
      return { end: { reason: "lost", evidence: `${gone.path} is no longer there`, complete: false } };
    }
    this.#running = there;
    this.#begin();
    return { more: true };
  }

  close(): void {
    this.#followed?.forEach(({ file }) => file[Symbol.dispose]());
    this.#followed = undefined;
  }

  #begin(): void {
    this.close();
    this.#asked = this.now();
  }

  #hasFurtherFiles(): boolean {
    if (this.now() - this.#asked < FOLDER_MS) return false;
    this.#asked = this.now();
    const known = new Set(this.#running.map((file) => file.path));
    const further = this.running().filter((file) => !known.has(file.path));
    this.#running.push(...further);
    return further.length > 0;
  }

  #open(): LiveLook {
    const opened: Followed[] = [];
    try {
      const open: LiveOpen = {
        type: "open",
        name: this.facts.name,
        attrs: { ...this.facts.attrs },
        variables: [],
      };
      for (const running of this.#running) {
        const file = running.kind === "swmr" ? new SwmrFile(running.path) : new TableFile(running.path);
        const prefix = this.#running.length > 1 ? `${stem(running.name)}/` : "";
        opened.push({ file, prefix });
        const structure = file.structure();
        if (!structure) {
          throw new SyncError("busy", "live_not_begun", `${running.path} has no header and row yet`);
        }
        Object.assign(open.attrs, structure.attrs);
        const prefixed = (name: string) => prefix + name;
        open.variables.push(...structure.variables.map((v) => ({
          ...v,
          name: prefixed(v.name),
          dims: v.dims.map(prefixed),
          depends_on: v.depends_on.map(prefixed),
        })));
      }
      this.#followed = opened;
      return { changes: [open], more: true };
    } catch (e) {
      opened.forEach(({ file }) => file[Symbol.dispose]());
      throw e;
    }
  }

  #lookAll(followed: Followed[]): LiveLook {
    const changes: LiveChange[] = [];
    let more = false, failure: unknown;
    for (const one of followed) {
      if (one.end) continue;
      try {
        const look = one.file.look();
        if (look.anew) {
          this.#begin();
          return this.#open();
        }
        changes.push(...look.changes.map((change) => withPrefix(change, one.prefix)));
        more ||= look.more ?? false;
        if (look.end) one.end = look.end;
      } catch (e) {
        failure = e;
      }
    }
    // What the other files gave must not be lost, unless nothing more can come.
    const failed = failure === undefined ? {} : this.#failed(failure);
    if (failure === undefined) this.#goneSince = undefined;
    const ends = followed.flatMap(({ end }) => end ?? []);
    const [end] = ends.length === followed.length ? ends : [];
    return { changes, ...(end ? { end } : more ? { more } : {}), ...failed };
  }
}

function withPrefix(change: LiveChange, prefix: string): LiveChange {
  return prefix === "" || change.type === "open" ? change : { ...change, var: prefix + change.var };
}

/** Path without suffix. */
function stem(name: string): string {
  return name.slice(0, name.length - posix.extname(name).length);
}
