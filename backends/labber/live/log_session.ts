/** A log file that is followed while Labber measures into it. */
import type { ReadItem } from "../../../src/kit/define_backend.ts";
import { SyncError } from "../../../src/kit/errors.ts";
import { type ExactStat, fingerprintText, statExact, tickOf } from "../../../src/kit/fingerprint.ts";
import { openHdf5Live } from "../../../src/kit/hdf5_live/open.ts";
import type { LiveAttribute, LiveHdf5File } from "../../../src/kit/hdf5_live/types.ts";
import type { LiveContext, LiveLook, LiveSession } from "../../../src/kit/live.ts";
import { describe } from "../describe.ts";
import { logPaths, memberPath, readLayout } from "../log_layout.ts";
import { FileInPlace } from "./file_in_place.ts";
import { LogView, type RawLog } from "./log_view.ts";
import type { LogState } from "./point_rows.ts";

/** A file that is not there for longer than this was taken away. */
const GONE_MS = 5000;
/** Looks in vain, and time since the last good look, until that is told. */
const MISSES = 5;
const DELAYED_MS = 1000;

/** What a look found out about the log that is being written. */
interface Seen extends LogState {
  /** Further logs are behind it. */
  isPast: boolean;
}

export class LogSession implements LiveSession {
  readonly watch: string[];
  readonly poll = { active: 100, quiet: 200 };
  readonly silence = "parks";
  readonly #file: LiveHdf5File;
  #view: LogView | undefined;
  #seen = "";
  /** The file may have changed after its last change was stamped. */
  #wasYoung = false;
  #more = false;
  #misses = 0;
  #lastGood: number;

  /** @throws SyncError `hdf5_torn` (busy), `hdf5_not_hdf5` … (data), `file_unreadable` (source) */
  constructor(readonly item: ReadItem, readonly context: LiveContext, readonly setUp: string) {
    this.watch = [item.path];
    this.#file = openHdf5Live(item.path);
    this.#lastGood = context.now();
  }

  /**
   * Whether the last log of the file says that it is completed; undefined when it says nothing.
   * @throws SyncError as reading does; `not_a_labber_log` (data)
   */
  get isCompleted(): boolean | undefined {
    return this.#file.consistent(() => {
      const file = new FileInPlace(this.#file), path = logPaths(file).at(-1) ?? "/";
      readLayout(file, path);
      return flag(this.#file.attribute(memberPath({ path }, "Data"), "Completed"));
    });
  }

  look(): LiveLook {
    const now = this.context.now();
    const stat = this.#stat();
    if (!stat) return this.#missing(now);
    const state = fingerprintText(stat);
    if (state === this.#seen && !this.#more && !this.#wasYoung) return { changes: [] };
    let seen: Seen;
    try {
      seen = this.#read();
    } catch (e) {
      return this.#missed(SyncError.from(e), now);
    }
    const alive = state !== this.#seen;
    [this.#seen, this.#wasYoung] = [state, Date.now() - stat.mtime_ms < tickOf(stat)];
    [this.#misses, this.#lastGood] = [0, now];
    return { ...this.#told(seen), alive };
  }

  #read(): Seen {
    const [seen, view, raw] = this.#file.consistent((): [Seen, LogView, RawLog] => {
      const file = new FileInPlace(this.#file), paths = logPaths(file);
      const view = this.#view ?? this.#open(file, paths.at(-1) ?? "/");
      const seen = this.#state(view, paths);
      return [seen, view, view.read(seen)];
    });
    this.#view = view;
    this.#more = view.take(raw, seen);
    return seen;
  }

  #told(seen: Seen): LiveLook {
    const view = this.#view;
    const changes = view?.told() ?? [];
    if (this.#more) return { changes, more: true };
    if (seen.isPast) {
      // The next log begins when everything of this one was told.
      view?.[Symbol.dispose]();
      this.#view = undefined;
      this.#more = true;
      return { changes, more: true };
    }
    if (!seen.completed) return { changes };
    const evidence = `Completed is true and all of ${
      view?.log.path === "/" ? "the log" : view?.log.path
    } was read`;
    return { changes, end: { reason: "completed", evidence, complete: true } };
  }

  #open(file: FileInPlace, path: string): LogView {
    const log = readLayout(file, path);
    const { name, attributes, description } = describe(file, [log], this.item);
    const attrs = { ...attributes, ...(description === undefined ? {} : { comment: description }) };
    return new LogView(
      this.#file,
      log,
      { name, attrs: { "set-up": this.setUp, ...attrs, log: path } },
      this.context.temp,
    );
  }

  #state({ log }: LogView, paths: readonly string[]): Seen {
    const attribute = (name: string) => this.#file.attribute(memberPath(log, "Data"), name);
    const completed = flag(attribute("Completed"));
    const last = attribute("Entries, last trace")?.values;
    const isPast = paths.at(-1) !== log.path;
    return {
      completed: completed === true || isPast,
      lastPoints: ArrayBuffer.isView(last) ? Number((last as Float64Array)[0]) : undefined,
      isPast,
    };
  }

  #stat(): ExactStat | undefined {
    try {
      return statExact(this.item.path, true);
    } catch (e) {
      if (e instanceof Error && "code" in e && e.code === "ENOENT") return undefined;
      throw e;
    }
  }

  #missing(now: number): LiveLook {
    if (now - this.#lastGood < GONE_MS) return { changes: [] };
    const evidence = `${this.item.path} is no longer there`;
    return { changes: [], end: { reason: "lost", evidence, complete: false } };
  }

  /** A file that is being appended to is torn for a moment, again and again: nothing to tell of, unless it stays so. */
  #missed(reason: SyncError, now: number): LiveLook {
    // The members of a further log are made one after the other.
    if (reason.class !== "busy" && reason.code !== "not_a_labber_log") throw reason;
    this.#misses++;
    if (this.#misses < MISSES || now - this.#lastGood < DELAYED_MS) return { changes: [] };
    return { changes: [], delayed: reason.message };
  }

  close(): void {
    this.#view?.[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }
}

/** A flag as it is stored; undefined when there is none. */
function flag(attribute: LiveAttribute | undefined): boolean | undefined {
  const values = attribute?.values;
  return ArrayBuffer.isView(values) ? Number((values as Uint8Array)[0]) === 1 : undefined;
}
