/** Follows one run of a database while it is measured. */
import { statSync } from "node:fs";
import { SyncError } from "../../../src/kit/errors.ts";
import type {
  LiveChange,
  LiveContext,
  LiveEnd,
  LiveLook,
  LiveSession,
  LiveVariable,
} from "../../../src/kit/live.ts";
import type { DatabaseFollower } from "../../../src/kit/sqlite/follow_database.ts";
import type { Run } from "../database.ts";
import type { RunDescription } from "../interdependencies.ts";
import { finishedLayout } from "./finished_layout.ts";
import { Layout } from "./layout.ts";
import { type NewRows, readNewRows } from "./new_rows.ts";
import { runFacts } from "./run_facts.ts";

/** A database that is missing for longer is gone, ms: programs that replace a file may do so in two steps. */
const GONE_AFTER = 2000;
/** Most points that are laid out anew at the end: that takes some tenths of a second, in which nobody else is served. */
const REARRANGED = 300_000;

export class RunSession implements LiveSession {
  readonly watch: string[];
  readonly silence = "parks";
  readonly #layout: Layout;
  /** Last row that was placed. */
  #last = 0;
  #opened = false;
  /** There is more to read although the database did not change. */
  #more = true;
  /** What asking for changes takes, ms: microseconds on a disk of this computer, milliseconds on a share. */
  #askingTakes = 0;
  #fileId = "";
  #missingSince: number | null = null;
  /** What shows that it is over, once all rows were placed. */
  #completed: string | null = null;
  #end: LiveEnd | null = null;

  constructor(
    readonly path: string,
    readonly run: Run,
    readonly description: RunDescription,
    readonly follower: DatabaseFollower,
    readonly context: LiveContext,
  ) {
    this.watch = [path, `${path}-wal`];
    this.#layout = new Layout(description);
  }

  /** Asking takes a twentieth of the time while rows come in, and a fiftieth otherwise, at most. */
  get poll(): { active: number; quiet: number } {
    const pause = (share: number, least: number, most: number) =>
      Math.min(most, Math.max(least, share * this.#askingTakes));
    return { active: pause(20, 15, 250), quiet: pause(50, 100, 1000) };
  }

  look(): LiveLook {
    if (this.#end) return { changes: [], end: this.#end };
    try {
      if (this.#completed !== null) return this.#finished(this.#completed);
      if (!this.#changed() && !this.#more) return { changes: [] };
      this.#noticeReplacement();
      const rows = this.#read();
      this.#missingSince = null;
      if (rows === null) return this.#ended([], this.#lost(`run ${this.run.runId} is not there any more`));
      return this.#placed(rows);
    } catch (e) {
      return this.#notRead(e);
    }
  }

  close(): void {
    this.follower[Symbol.dispose]();
  }

  #changed(): boolean {
    const asked = performance.now();
    const changed = this.follower.changed();
    this.#askingTakes += (performance.now() - asked - this.#askingTakes) / 4;
    return changed;
  }

  #read(): NewRows | null {
    return this.follower.read((db) =>
      readNewRows(db, this.run, this.description, this.#layout.names, this.#last)
    );
  }

  /** Another file in its place may hold the same run, but nothing says that its rows are those that were read. */
  #noticeReplacement(): void {
    const { dev, ino } = statSync(this.path, { bigint: true });
    const fileId = `${dev}:${ino}`;
    if (this.#fileId !== "" && fileId !== this.#fileId) this.#beginAnew();
    this.#fileId = fileId;
  }

  #beginAnew(): void {
    this.#layout.reset();
    this.#last = 0;
    this.#opened = false;
  }

  #placed({ last, upTo, isCompleted, batches }: NewRows): LiveLook {
    this.#more = true;
    if (last < this.#last) {
      this.#beginAnew();
      return { changes: [], more: true };
    }
    let { variables } = this.#layout;
    let placed = this.#layout.place(batches);
    // From the first row on the same rows can be placed again; else all of them have to be read again.
    while (!placed && this.#last === 0) {
      const before = withoutExtents(variables);
      ({ variables } = this.#layout);
      this.#opened &&= withoutExtents(variables) === before;
      placed = this.#layout.place(batches);
    }
    if (!placed) {
      this.#beginAnew();
      return { changes: [], more: true };
    }
    const changes = [...this.#opened ? [] : [this.#opening(variables)], ...placed];
    this.#opened = true;
    this.#last = upTo;
    this.#more = upTo < last;
    if (this.#more) return { changes, more: true };
    if (!isCompleted) return { changes };
    this.#completed = `is_completed = 1 and row ${last} was the last`;
    // What follows may fail, and must not take these changes with it.
    return { changes, more: true };
  }

  #finished(evidence: string): LiveLook {
    return this.#ended(this.#finish(), { reason: "completed", evidence, complete: true });
  }

  /** Brings the points into the layout of the finished file where that is another one and costs no noticeable time. */
  #finish(): LiveChange[] {
    const extents = this.#layout.finish();
    if (this.#layout.isFinal || this.#layout.points > REARRANGED) return extents;
    const finished = this.follower.read((db) =>
      finishedLayout(db, this.run, this.description, this.context.temp)
    );
    if (!finished) return extents;
    const { variables, patches, isList } = finished;
    const isSame = withoutExtents(variables) === withoutExtents(this.#layout.variables);
    return isSame && (isList || patches.length === 0) ? extents : [this.#opening(variables), ...patches];
  }

  #opening(variables: LiveVariable[]): LiveChange {
    return { type: "open", ...runFacts(this.run, this.description), variables };
  }

  #ended(changes: LiveChange[], end: LiveEnd): LiveLook {
    this.#end = end;
    return { changes, end };
  }

  #lost(evidence: string): LiveEnd {
    return { reason: "lost", evidence, complete: false };
  }

  #notRead(e: unknown): LiveLook {
    const missing = e instanceof SyncError && e.code === "sqlite_missing" ||
      e instanceof Error && "code" in e && e.code === "ENOENT";
    if (missing) {
      this.#missingSince ??= this.context.now();
      if (this.context.now() - this.#missingSince < GONE_AFTER) {
        return { changes: [], delayed: `${this.path} is missing` };
      }
      return this.#ended([], this.#lost(`${this.path} does not exist any more`));
    }
    if (e instanceof SyncError && e.class === "busy") return { changes: [], delayed: e.message };
    throw e;
  }
}

/** What of a structure cannot grow. */
function withoutExtents(variables: readonly LiveVariable[]): string {
  const byName = variables.toSorted((a, b) => a.name < b.name ? -1 : 1);
  return JSON.stringify(
    byName.map(({ name, dtype, dims, role, depends_on }) => [name, dtype, dims, role, depends_on]),
  );
}
