/**
 * Writes runs of a beamline into a beamtime database and its images into the Zarr store beside it. Needs nothing but the
 * runtime; calls return when their work is done.
 */
import { basename, dirname, extname, join, resolve } from "node:path";
import { stateError, storeError, WriterDatabaseError } from "./errors.ts";
import { EventFeed } from "./event_feed.ts";
import { demandField, demandSame } from "./image_field.ts";
import { CODEC, ImageStack } from "./image_stack.ts";
import { type Image, type ImageType, imageType } from "./image_type.ts";
import { jsonText } from "./json_text.ts";
import { ADDED_IN_2, BEAMTIME_SCHEMA, BEAMTIME_TABLES, BEAMTIME_VERSION } from "./schema.ts";
import { type Sample, sampleId } from "./sample.ts";
import { type Schema, WriterDatabase } from "./writer_database.ts";
import { ZarrStoreWriter } from "./zarr_store.ts";

export interface RunWriterOptions {
  /** How long another program's lock is waited for, ms. */
  busyTimeout?: number;
  /**
   * Lets an agent on this computer show events before they are committed with the run: they are written to
   * `<database>-live/<run uid>.ndjson` too, which is removed at the end of the run.
   */
  live?: boolean;
}

const SCHEMA: Schema = {
  kind: "a beamtime database",
  tables: BEAMTIME_TABLES,
  version: BEAMTIME_VERSION,
  sql: BEAMTIME_SCHEMA,
  added: ADDED_IN_2,
};

/** How often the end of a run is tried when its writer goes away; each time waits for the busy timeout. */
const LAST_ATTEMPTS = 6;

interface OpenRun {
  uid: string;
  /** Uid of each stream by its name. */
  streams: Map<string, string>;
  /** The newest stream, or "". */
  stream: string;
  seqNum: number;
  stacks: Map<string, ImageStack>;
  /** Where others see events before they are committed. */
  feed: EventFeed | undefined;
}

export class RunWriter implements Disposable {
  readonly #path: string;
  readonly #options: RunWriterOptions;
  #sample: Sample;
  #db: WriterDatabase | undefined;
  #store: ZarrStoreWriter | undefined;
  #run: OpenRun | undefined;

  /** Has no side effect; see {@link RunWriter.open}. */
  constructor(dbPath: string, sample: Sample, options: RunWriterOptions = {}) {
    this.#path = resolve(dbPath);
    this.#sample = { ...sample };
    this.#options = options;
  }

  /**
   * Opens a writer for the duration of `fn`. At the end an open run is closed, with "failed" when `fn` threw, and the
   * error is passed on.
   */
  static with<T>(
    dbPath: string,
    sample: Sample,
    fn: (writer: RunWriter) => Promise<T>,
    options?: RunWriterOptions,
  ): Promise<T>;
  static with<T>(dbPath: string, sample: Sample, fn: (writer: RunWriter) => T, options?: RunWriterOptions): T;
  static with<T>(
    dbPath: string,
    sample: Sample,
    fn: (writer: RunWriter) => T | Promise<T>,
    options: RunWriterOptions = {},
  ): T | Promise<T> {
    const writer = new RunWriter(dbPath, sample, options).open();
    const failed = (error: unknown): never => {
      try {
        writer.#end("failed");
      } catch {
        // What `fn` threw says more.
      }
      throw error;
    };
    const succeeded = (value: T): T => {
      writer.#end("success");
      return value;
    };
    let result: T | Promise<T>;
    try {
      result = fn(writer);
    } catch (e) {
      return failed(e);
    }
    return result instanceof Promise ? result.then(succeeded, failed) : succeeded(result);
  }

  /** Absolute path of the database. */
  get dbPath(): string {
    return this.#path;
  }

  /** The sample; its id is known once the writer is open. */
  get sample(): Readonly<Sample> {
    return this.#sample;
  }

  get isOpen(): boolean {
    return this.#db !== undefined;
  }

  /** Uid of the open run, or "". */
  get runUid(): string {
    return this.#run?.uid ?? "";
  }

  /** Uid of the current stream, or "". */
  get streamUid(): string {
    return this.#run?.stream ?? "";
  }

  /** Number of the newest event of the open run; 0 before the first. */
  get seqNum(): number {
    return this.#run?.seqNum ?? 0;
  }

  /**
   * Opens or creates the database and `<stem>.zarr/` beside it, and finds or enters the sample.
   * @returns this writer, for `using writer = new RunWriter(…).open()`
   * @throws WriterStateError `already_open`, `sample_not_found`; WriterDatabaseError as {@link WriterDatabase} does
   */
  open(): this {
    if (this.#db) throw stateError("already_open", "the writer is open already", "Call close() first.");
    const db = new WriterDatabase(this.#path, SCHEMA, this.#options.busyTimeout);
    try {
      const folder = join(dirname(this.#path), `${basename(this.#path, extname(this.#path))}.zarr`);
      const store = inStore(folder, () => new ZarrStoreWriter(folder));
      this.#sample = { ...this.#sample, id: sampleId(db, this.#sample) };
      this.#store = store;
      this.#db = db;
    } catch (e) {
      db[Symbol.dispose]();
      throw e;
    }
    return this;
  }

  /**
   * Begins a run; it is in the database when this returns.
   * @returns its uid, 32 hex digits
   * @throws WriterStateError `not_open`, `run_open`
   */
  openRun(planName: string, options: { metadata?: Record<string, unknown> | null } = {}): string {
    const { db } = this.#opened();
    if (this.#run) {
      throw stateError("run_open", `run ${this.#run.uid} is still open`, "Call closeRun() first.");
    }
    const uid = newUid();
    const metadata = jsonText(options.metadata ?? {});
    db.transaction(() =>
      db.run(
        "INSERT INTO runs (uid, sample_id, plan_name, time_start, metadata) VALUES (?, ?, ?, ?, ?)",
        ...[uid, this.#sample.id ?? null, planName, now(), metadata],
      )
    );
    const feed = this.#options.live ? new EventFeed(this.#path, uid) : undefined;
    this.#run = { uid, streams: new Map(), stream: "", seqNum: 0, stacks: new Map(), feed };
    return uid;
  }

  /**
   * Begins a stream of the open run, which becomes the current one; all that was written so far is committed.
   * @returns its uid
   * @throws WriterStateError `not_open`, `no_run`, `stream_exists`
   */
  openStream(name: string, dataKeys: Record<string, unknown>): string {
    const { db, run } = this.#running();
    if (run.streams.has(name)) {
      throw stateError(
        "stream_exists",
        `run ${run.uid} has a stream "${name}" already`,
        "Give another name.",
      );
    }
    const uid = newUid();
    const keys = jsonText(dataKeys ?? {});
    this.#syncImages(run);
    db.begin();
    db.run(
      "INSERT INTO streams (uid, run_uid, name, data_keys, time_created) VALUES (?, ?, ?, ?, ?)",
      ...[uid, run.uid, name, keys, now()],
    );
    db.commit();
    run.streams.set(name, uid);
    run.stream = uid;
    return uid;
  }

  /**
   * Adds an event to the current stream; it is committed with the run.
   * @param data value by field: numbers, booleans, texts, lists; not every event needs every field
   * @param timestamps unix seconds by field
   * @returns its uid
   * @throws WriterStateError `not_open`, `no_run`, `no_stream`, `value_not_json`
   */
  writeEvent(data: Record<string, unknown>, timestamps: Record<string, number> = {}): string {
    const { db, run } = this.#running();
    if (run.stream === "") throw stateError("no_stream", "no stream is open", "Call openStream() first.");
    const uid = newUid();
    const [seq_num, time] = [run.seqNum + 1, now()];
    const [values, times] = [jsonText(data ?? {}), jsonText(timestamps ?? {})];
    const row = [uid, run.stream, seq_num, time, values, times];
    db.begin();
    db.run(
      "INSERT INTO events (uid, stream_uid, seq_num, time, data, timestamps) VALUES (?, ?, ?, ?, ?, ?)",
      ...row,
    );
    run.seqNum++;
    run.feed?.event({ uid, stream: run.stream, seq_num, time }, values, times);
    return uid;
  }

  /**
   * Appends an image to the stack `runs/<run uid>/<field>`. Other programs can read it when this returns; it is on the
   * disk before its row is, which comes with the run.
   * @param eventUid an event of the open run
   * @param image values in C order and [rows, columns]; all images of a field have one shape and type
   * @returns its index in the stack, from 0
   * @throws WriterStateError `not_open`, `no_run`, `unknown_event`, `image_field`, `image_rank`, `image_shape`,
   *   `image_dtype`, `image_order`, `image_too_large`; WriterDatabaseError `store_failed`
   */
  writeImage(eventUid: string, field: string, image: Image): number {
    const { db, store, run } = this.#running();
    const type = imageType(image);
    const known = db.get(
      "SELECT 1 FROM events AS e JOIN streams AS s ON s.uid = e.stream_uid WHERE e.uid = ? AND s.run_uid = ?",
      ...[eventUid, run.uid],
    );
    if (!known) {
      throw stateError(
        "unknown_event",
        `run ${run.uid} has no event ${eventUid}`,
        "Give what writeEvent() returned.",
      );
    }
    const stack = this.#stack(store, run, field, type);
    const index = inStore(`image "${field}"`, () => stack.append(image.data));
    db.begin();
    db.run(
      "INSERT INTO image_refs (event_uid, field_name, zarr_group, index_in_stack, shape_x, shape_y, dtype, " +
        "compression_codec) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      ...[eventUid, field, `runs/${run.uid}/${field}`, index, type.rows, type.columns, type.dtype, CODEC],
    );
    run.feed?.image({ event: eventUid, field, index });
    return index;
  }

  #stack(store: ZarrStoreWriter, run: OpenRun, field: string, type: ImageType): ImageStack {
    const known = run.stacks.get(field);
    if (known) {
      demandSame(field, known.type, type);
      return known;
    }
    demandField(field, type, run.stacks.keys());
    const stack = inStore(
      `image "${field}"`,
      () => new ImageStack(store, store.groups(`runs/${run.uid}`), field, type),
    );
    run.stacks.set(field, stack);
    return stack;
  }

  /**
   * Ends the run and commits all of it.
   * @param options.exitStatus "success", "aborted" or "failed"; other text is kept as it is
   * @throws WriterStateError `not_open`, `no_run`; WriterDatabaseError `database_busy`: the run stays open, try again
   */
  closeRun(options: { exitStatus?: string } = {}): void {
    const { db, run } = this.#running();
    this.#syncImages(run);
    db.begin();
    db.run(
      "UPDATE runs SET time_stop = ?, exit_status = ?, num_events = ? WHERE uid = ?",
      ...[now(), options.exitStatus ?? "success", run.seqNum, run.uid],
    );
    db.commit();
    run.feed?.remove();
    this.#run = undefined;
  }

  /**
   * Commits the rest and closes. A run that is open stays without exit status.
   * @throws WriterStateError `not_open`
   */
  close(): void {
    const { db } = this.#opened();
    if (this.#run) this.#syncImages(this.#run);
    db.commit();
    this.#run?.feed?.remove();
    this.#release();
  }

  /** Ends an open run with "success" and closes; does nothing when the writer is not open. */
  [Symbol.dispose](): void {
    if (this.#db) this.#end("success");
  }

  #end(exitStatus: string): void {
    // `fn` may have closed it.
    if (!this.#db) return;
    try {
      if (this.#run) this.#closePatiently(exitStatus);
      else this.#db.commit();
    } finally {
      this.#release();
    }
  }

  /** Afterwards nobody can try again, so a reader that keeps the database is waited for a little longer. */
  #closePatiently(exitStatus: string): void {
    for (let attempt = 1;; attempt++) {
      try {
        return this.closeRun({ exitStatus });
      } catch (e) {
        const isBusy = e instanceof WriterDatabaseError && e.code === "database_busy";
        if (!isBusy || attempt === LAST_ATTEMPTS) throw e;
      }
    }
  }

  #release(): void {
    this.#run?.feed?.close();
    this.#store?.chunks.close();
    this.#db?.[Symbol.dispose]();
    this.#db = undefined;
    this.#store = undefined;
    this.#run = undefined;
  }

  /** Rows must not become durable before the names of their images are. */
  #syncImages(run: OpenRun): void {
    for (const [field, stack] of run.stacks) inStore(`image "${field}"`, () => stack.sync());
  }

  #opened(): { db: WriterDatabase; store: ZarrStoreWriter } {
    if (!this.#db || !this.#store) {
      throw stateError("not_open", "the writer is not open", "Call open() first.");
    }
    return { db: this.#db, store: this.#store };
  }

  #running(): { db: WriterDatabase; store: ZarrStoreWriter; run: OpenRun } {
    const opened = this.#opened();
    if (!this.#run) throw stateError("no_run", "no run is open", "Call openRun() first.");
    return { ...opened, run: this.#run };
  }
}

function inStore<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (e) {
    throw storeError(what, e);
  }
}

/** Unix seconds. */
function now(): number {
  return Date.now() / 1000;
}

/** 32 hex digits. */
function newUid(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
