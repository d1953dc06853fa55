/** Follows a run while it is measured. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ReadItem } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { DistinctNames } from "../../src/kit/hdf5/netcdf_names.ts";
import type {
  LiveAnswer,
  LiveChange,
  LiveContext,
  LiveEnd,
  LiveLook,
  LiveOpen,
  LiveSession,
} from "../../src/kit/live.ts";
import { databaseState } from "../../src/kit/sqlite/database_state.ts";
import { type DatabaseFollower, followDatabase } from "../../src/kit/sqlite/follow_database.ts";
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import { activityOf, QUIET_MS, stacksOf } from "./activity.ts";
import {
  demandBeamtime,
  type ImageRef,
  mapOf,
  readImageRefs,
  readRun,
  type Run,
} from "./beamtime_database.ts";
import type { ResonanceConfig } from "./config.ts";
import { describe } from "./describe.ts";
import { FeedReader } from "./feed_reader.ts";
import { LiveImages } from "./live_images.ts";
import { LiveStreams, type NewEvents } from "./live_streams.ts";
import { placeOf, storeOf } from "./places.ts";
import { feedPath } from "./writer/event_feed.ts";

/** Image values of one look: 4 MiB. */
const MOST_VALUES = 512 * 1024;
/** Image values beyond which the structure of a run that is over is not told anew: its file follows at once. */
const MOST_REPEATED = 8 * 1024 * 1024;

/** @throws SyncError as reading a run does */
export async function followRun(
  config: ResonanceConfig,
  item: ReadItem,
  context: LiveContext,
): Promise<LiveAnswer> {
  const { path, runUid } = placeOf(config, item.identifier);
  const { modified } = databaseState(path);
  const database = await followDatabase(path);
  try {
    const found = database.read((db) => {
      demandBeamtime(db);
      return { run: readRun(db, runUid), last: activityOf(db, runUid, modified).last };
    });
    const reason = context.resumed ? undefined : reasonAgainst(found.run, context.now() - found.last);
    if (reason === undefined) return { session: new Session(database, config, path, runUid, context) };
    database[Symbol.dispose]();
    return { not_live: `run ${runUid} ${reason}` };
  } catch (e) {
    database[Symbol.dispose]();
    if (e instanceof SyncError && e.code === "resonance_run_missing") return { not_live: e.message };
    throw e;
  }
}

function reasonAgainst({ exit_status, time_stop }: Run, quiet: number): string | undefined {
  if (exit_status !== null) return `has ended (${exit_status})`;
  if (time_stop !== null) return "has ended";
  return quiet > QUIET_MS ? "gave no sign of life for 10 minutes" : undefined;
}

/** What a look found in the database. */
interface Content {
  run: Run;
  refs: ImageRef[];
  streams: NewEvents[];
}

class Session implements LiveSession {
  readonly poll = { active: 50, quiet: 250 };
  readonly silence = "parks";
  readonly #feed: FeedReader;
  readonly #streams = new LiveStreams();
  readonly #images = new Map<string, LiveImages>();
  /** Time and number of fed events by their uid. */
  readonly #fed = new Map<string, { seq_num: number; time: number }>();
  #run: Run | undefined;
  #opened = false;

  constructor(
    private readonly database: DatabaseFollower,
    private readonly config: ResonanceConfig,
    private readonly path: string,
    private readonly runUid: string,
    private readonly context: LiveContext,
  ) {
    this.#feed = new FeedReader(path, runUid);
  }

  /** Not the whole store, which may hold thousands of runs. */
  get watch(): string[] {
    const images = join(storeOf(this.path), "runs", this.runUid);
    return [this.path, feedPath(this.path, this.runUid), images].filter((path) => existsSync(path));
  }

  async look(): Promise<LiveLook> {
    if (!this.#run || this.#streams.mustRead || this.database.changed()) {
      try {
        this.#take(this.database.read((db) => this.#content(db)));
      } catch (e) {
        if (!(e instanceof SyncError) || e.code !== "resonance_run_missing") throw e;
        return { changes: [], end: { reason: "lost", evidence: e.message, complete: false } };
      }
    }
    const run = this.#run;
    if (!run) return { changes: [] };
    this.#readFeed();
    let delayed = this.#readStacks();
    const isOver = run.exit_status !== null;
    const changes: LiveChange[] = [];
    if (!this.#opened || this.#isAnother(isOver)) {
      changes.push(this.#open(run));
      this.#opened = true;
    }
    const events = this.#streams.changes();
    changes.push(...events.changes);
    let [room, more] = [MOST_VALUES, events.more];
    for (const images of this.#images.values()) {
      const given = await images.changes(room, { isOver, now: this.context.now() });
      changes.push(...given.changes);
      room -= given.taken;
      more ||= given.more;
      delayed ??= given.delayed;
    }
    if (delayed !== undefined) return { changes, delayed, ...(more ? { more } : {}) };
    more ||= this.#streams.mustRead;
    if (more || !isOver) return { changes, ...(more ? { more } : {}) };
    return { changes, end: this.#end(run) };
  }

  /** What the database has more; reading it changes nothing here, since it may be read again. */
  #content(db: ReadOnlyDatabase): Content {
    return {
      run: readRun(db, this.runUid),
      refs: readImageRefs(db, this.runUid),
      streams: this.#streams.read(db, this.runUid),
    };
  }

  #take({ run, refs, streams }: Content): void {
    this.#run = run;
    this.#streams.take(streams, new Set(refs.map((ref) => ref.field)));
    for (const { field, group, index, seq_num, time } of refs) {
      this.#stack(field, group).setEvent(index, { seq_num, time }, "committed");
    }
  }

  #readFeed(): void {
    for (const entry of this.#feed.read()) {
      if ("event" in entry) {
        const event = this.#fed.get(entry.event);
        if (event) {
          this.#stack(entry.field, `runs/${this.runUid}/${entry.field}`).setEvent(entry.index, event);
        }
      } else {
        this.#fed.set(entry.uid, { seq_num: entry.seq_num, time: entry.time });
        this.#streams.show([entry]);
      }
    }
  }

  /** @returns why a stack cannot be read now */
  #readStacks(): string | undefined {
    let delayed: string | undefined;
    for (const { field, frames } of stacksOf(this.path, this.runUid)) {
      delayed ??= this.#stack(field, `runs/${this.runUid}/${field}`).refresh(frames);
    }
    return delayed;
  }

  #stack(field: string, group: string): LiveImages {
    let images = this.#images.get(group);
    if (!images) this.#images.set(group, images = new LiveImages(this.path, field, group));
    return images;
  }

  #isAnother(isOver: boolean): boolean {
    const images = [...this.#images.values()];
    if (!this.#streams.isAnother && !images.some((i) => i.isAnother)) return false;
    return !isOver || images.reduce((sum, { given }) => sum + given, 0) <= MOST_REPEATED;
  }

  #open(run: Run): LiveOpen {
    const names = new DistinctNames();
    const shown = [...this.#images.values()].filter((images) => images.isKnown);
    const fields = new Set(shown.map(({ field }) => field));
    const streams = this.#streams.open(names, fields);
    const { name, attributes } = describe(this.path, this.config, { run, streams: [], refs: [] }, fields);
    const metadata = mapOf(run.metadata);
    return {
      type: "open",
      name,
      attrs: {
        ...attributes,
        ...{ run_uid: run.uid, plan_name: run.plan_name, time_start: run.time_start },
        ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
      },
      variables: [...streams, ...shown.flatMap((images) => images.open(names))],
    };
  }

  #end({ exit_status }: Run): LiveEnd {
    const frames = [...this.#images.values()].reduce((sum, images) => sum + images.givenFrames, 0);
    const evidence =
      `exit_status is ${exit_status}; the last of ${this.#streams.events} events and ${frames} images was read`;
    return { reason: "completed", evidence, complete: true };
  }

  close(): void {
    this.database[Symbol.dispose]();
  }
}
