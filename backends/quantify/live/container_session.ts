/** A container that is followed while Quantify measures into it. */
import { basename, join } from "node:path";
import { SyncError } from "../../../src/kit/errors.ts";
import { type ExactStat, fingerprintText, tickOf } from "../../../src/kit/fingerprint.ts";
import type { LiveContext, LiveEnd, LiveLook, LiveSession } from "../../../src/kit/live.ts";
import { DataFile, type Reading, torn } from "./data_file.ts";
import { Pace } from "./pace.ts";
import { RunView } from "./run_view.ts";
import { Successors } from "./successors.ts";

/** The file that Quantify writes while it measures. */
export const DATA_FILE = "dataset.hdf5";
/** A file that is not there for longer than this was taken away; rewriting it takes less. */
const GONE_MS = 5000;
/** The last state of a run is waited for when a newer one has begun, but not for ever. */
const LATE_MS = 10_000;
/** Looks in vain until a private copy is tried, and after a while that is told. */
const MISSES = 5;
/** Time since the last good look until that is told, ms. */
const DELAYED_MS = 1000;

/** Pause between two looks at a file whose time stamps are coarse, ms. */
const AGAIN_MS = 250;

export class ContainerSession implements LiveSession {
  readonly watch: string[];
  readonly poll = { active: 50, quiet: 100 };
  readonly silence = "ends";
  readonly #file: DataFile;
  readonly #successors: Successors;
  readonly #view: RunView;
  readonly #pace = new Pace();
  /** The last state that was met, and the one that was read or is being read. */
  #met = "";
  #seen = "";
  /** When the state was read, if that was so soon that the same time stamp may be given again. */
  #young: number | undefined;
  /** Of the state that is being read. */
  #reading: Reading | undefined;
  #misses = 0;
  /** Since when there is a newer measurement. */
  #succeeded: number | undefined;
  #failure: SyncError | undefined;
  #first: LiveLook | undefined;
  #lastGood: number;

  /** @param folder absolute path of the container */
  constructor(readonly folder: string, readonly context: LiveContext, readonly setUp: string) {
    this.#file = new DataFile(join(folder, DATA_FILE), context.temp);
    this.watch = [folder, this.#file.path];
    this.#successors = new Successors(folder, DATA_FILE, context.now);
    this.#view = new RunView(folder, context.temp, { "set-up": setUp });
    this.#lastGood = context.now();
  }

  /** Why the last look could not read the file. */
  get failure(): SyncError {
    return this.#failure ?? torn(this.#file.path, "it is not there");
  }

  /** The session, of which this look was made already. */
  startingWith(first: LiveLook): this {
    this.#first = first;
    return this;
  }

  async look(): Promise<LiveLook> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? await this.#look();
  }

  async #look(): Promise<LiveLook> {
    const now = this.context.now();
    const successor = this.#successors.find();
    const stat = this.#file.stat();
    if (!stat) return this.#missing(now);
    const state = fingerprintText(stat);
    const alive = state !== this.#met;
    if (alive) this.#pace.changed(now, stat.mtime_ms);
    this.#met = state;
    if (state !== this.#seen || !this.#view.isComplete || this.#mayHide(stat)) {
      try {
        await this.#read(stat, state);
      } catch (e) {
        return { ...this.#missed(SyncError.from(e), now, successor), alive };
      }
    }
    this.#misses = 0;
    this.#lastGood = now;
    const changes = this.#view.told();
    if (!this.#view.isComplete && !this.#isLate(now, successor)) {
      return { changes, alive, more: this.#pace.isQuiet(now) || !this.#view.isKnown };
    }
    const end = this.#end(now, successor);
    return end ? { changes, end } : { changes, alive };
  }

  async #read(stat: ExactStat, state: string): Promise<void> {
    if (state !== this.#seen || !this.#reading) {
      this.#forgetReading();
      const reading = await this.#file.open(stat, this.#misses >= MISSES);
      this.#reading = reading;
      if (state !== this.#seen || this.#view.isComplete) {
        const now = Date.now();
        this.#view.begin(reading);
        this.#young = now - stat.mtime_ms < tickOf(stat) ? now : undefined;
      }
      this.#seen = state;
    }
    this.#view.take(this.#reading);
    if (this.#view.isComplete) this.#forgetReading();
  }

  /** Whether the file may have been rewritten since it was read, without a new time stamp to tell so. */
  #mayHide(stat: ExactStat): boolean {
    return this.#young !== undefined && Date.now() - this.#young >= Math.min(AGAIN_MS, tickOf(stat));
  }

  #forgetReading(): void {
    this.#reading?.[Symbol.dispose]();
    this.#reading = undefined;
  }

  /** Whether a newer measurement runs for so long that the rest of this one, still rewritten, is not waited for. */
  #isLate(now: number, successor: string | undefined): boolean {
    this.#succeeded = successor === undefined ? undefined : this.#succeeded ?? now;
    return this.#succeeded !== undefined && now - this.#succeeded > LATE_MS;
  }

  #missing(now: number): LiveLook {
    if (now - this.#lastGood < GONE_MS) return { changes: [] };
    return {
      changes: [],
      end: { reason: "lost", evidence: `${this.#file.path} is no longer there`, complete: false },
    };
  }

  /** A file is torn for as long as Quantify rewrites it: nothing to tell of, unless it stays so. */
  #missed(reason: SyncError, now: number, successor: string | undefined): LiveLook {
    if (reason.class !== "busy" && reason.class !== "data") throw reason;
    this.#forgetReading();
    const changes = this.#view.told();
    this.#failure = reason;
    this.#misses++;
    if (this.#misses < MISSES || now - this.#lastGood < DELAYED_MS) return { changes };
    if (successor !== undefined) return { changes, end: superseded(successor) };
    return { changes, delayed: reason.message };
  }

  #end(now: number, successor: string | undefined): LiveEnd | undefined {
    if (this.#view.isFull && this.#pace.isAtRest(now)) {
      const seconds = (this.#pace.restMs(now) / 1000).toFixed(1);
      return {
        reason: "filled",
        evidence:
          `all ${this.#view.points} points are written and ${DATA_FILE} did not change for ${seconds} s`,
        complete: true,
      };
    }
    return successor === undefined ? undefined : superseded(successor);
  }

  close(): void {
    this.#forgetReading();
    this.#file[Symbol.dispose]();
    this.#view[Symbol.dispose]();
  }
}

function superseded(successor: string): LiveEnd {
  return {
    reason: "superseded",
    evidence: `the newer measurement ${basename(successor)} has a ${DATA_FILE}`,
    complete: null,
  };
}
