/** Reads the events of one stream into columns, page by page. */
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import { mapOf, numberOf, type Stream, textOf } from "./beamtime_database.ts";
import { EventColumn } from "./event_column.ts";

/** Events of one query. */
const PAGE = 5000;

export interface StreamColumns {
  stream: Stream;
  events: number;
  seq_num: BigInt64Array;
  /** Unix seconds. */
  time: Float64Array;
  /** By field, first in the order of data_keys. */
  fields: Map<string, EventColumn>;
  timestamps: Map<string, EventColumn>;
  /** Events whose JSON is damaged; their values are missing. */
  damaged: number;
}

/** The values of one event by field; undefined where its JSON is damaged. */
export interface EventValues {
  seq_num: number;
  /** Unix seconds; NaN when unknown. */
  time: number;
  data: Record<string, unknown> | undefined;
  timestamps: Record<string, unknown> | undefined;
}

/** The events of a stream as columns that grow. */
export class EventTable {
  readonly fields = new Map<string, EventColumn>();
  readonly timestamps = new Map<string, EventColumn>();
  readonly #seq: number[] = [];
  readonly #time: number[] = [];
  damaged = 0;

  /** @param images fields that hold images, not values */
  constructor(readonly stream: Stream, images: ReadonlySet<string>) {
    for (const [name, description] of Object.entries(mapOf(stream.data_keys))) {
      if (!images.has(name) && !isArrayKey(description)) this.fields.set(name, new EventColumn());
    }
  }

  get events(): number {
    return this.#seq.length;
  }

  /** Number of the newest event; before the first less than any. */
  get last(): number {
    return this.#seq.at(-1) ?? Number.MIN_SAFE_INTEGER;
  }

  /** Number of an event by its place; undefined beyond the last. */
  seqAt(event: number): number | undefined {
    return this.#seq[event];
  }

  add({ seq_num, time, data, timestamps }: EventValues): void {
    const event = this.#seq.length;
    this.#seq.push(seq_num);
    this.#time.push(time);
    if (!data || !timestamps) this.damaged++;
    setAll(this.fields, event, data);
    setAll(this.timestamps, event, timestamps);
  }

  /** Events may name the fields whose images lie in the store, without a value. */
  leaveOut(images: ReadonlySet<string>): void {
    for (const name of images) if (!this.fields.get(name)?.isWritten) this.fields.delete(name);
  }

  /** Numbers of the events from one on. */
  seqNum(from = 0): BigInt64Array {
    return BigInt64Array.from(this.#seq.slice(from), (n) => BigInt(Math.trunc(n)));
  }

  /** Times of the events from one on. */
  time(from = 0): Float64Array {
    return Float64Array.from(this.#time.slice(from));
  }
}

/** Events of a stream behind the one with this number, page by page. */
export function* eventsAfter(
  db: ReadOnlyDatabase,
  streamUid: string,
  after = Number.MIN_SAFE_INTEGER,
): Generator<EventValues> {
  for (let last = after;;) {
    const rows = db.all(
      "SELECT seq_num, time, data, timestamps FROM events WHERE stream_uid = ? AND seq_num > ? ORDER BY seq_num LIMIT ?",
      streamUid,
      last,
      PAGE,
    );
    for (const row of rows) {
      last = numberOf(row.seq_num) ?? last;
      yield {
        seq_num: last,
        time: numberOf(row.time) ?? NaN,
        data: parsed(textOf(row.data)),
        timestamps: parsed(textOf(row.timestamps)),
      };
    }
    if (rows.length < PAGE) return;
  }
}

/** @param images fields that hold images, not values */
export function readColumns(
  db: ReadOnlyDatabase,
  stream: Stream,
  images: ReadonlySet<string>,
): StreamColumns {
  const table = new EventTable(stream, images);
  for (const event of eventsAfter(db, stream.uid)) table.add(event);
  table.leaveOut(images);
  const { events, fields, timestamps, damaged } = table;
  return { stream, events, seq_num: table.seqNum(), time: table.time(), fields, timestamps, damaged };
}

/** Whether data_keys describe a field as an array, which only then has values when events hold some. */
export function isArrayKey(description: unknown): boolean {
  const { dtype, shape, external } = mapOf(description);
  return dtype === "array" || typeof external === "string" || Array.isArray(shape) && shape.length > 0;
}

function setAll(
  columns: Map<string, EventColumn>,
  event: number,
  values: Record<string, unknown> = {},
): void {
  for (const [name, value] of Object.entries(values)) {
    let column = columns.get(name);
    if (!column) columns.set(name, column = new EventColumn());
    column.set(event, value);
  }
}

/** undefined when it is no JSON object. */
function parsed(text: string | null): Record<string, unknown> | undefined {
  if (text === null || text === "") return {};
  try {
    const value = parseTolerantJson(text);
    if (value === null) return {};
    return typeof value === "object" && !Array.isArray(value) ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}
