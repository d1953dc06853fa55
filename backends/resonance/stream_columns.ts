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

/** @param images fields that hold images, not values */
export function readColumns(
  db: ReadOnlyDatabase,
  stream: Stream,
  images: ReadonlySet<string>,
): StreamColumns {
  const fields = new Map<string, EventColumn>();
  for (const [name, description] of Object.entries(mapOf(stream.data_keys))) {
    if (!images.has(name) && !isArrayKey(description)) fields.set(name, new EventColumn());
  }
  const timestamps = new Map<string, EventColumn>();
  const seq: number[] = [], time: number[] = [];
  let damaged = 0;
  for (let last = -Infinity;;) {
    const rows = db.all(
      "SELECT seq_num, time, data, timestamps FROM events WHERE stream_uid = ? AND seq_num > ? ORDER BY seq_num LIMIT ?",
      stream.uid,
      last === -Infinity ? Number.MIN_SAFE_INTEGER : last,
      PAGE,
    );
    for (const row of rows) {
      const event = seq.length;
      last = numberOf(row.seq_num) ?? last;
      seq.push(last);
      time.push(numberOf(row.time) ?? NaN);
      const data = parsed(textOf(row.data)), times = parsed(textOf(row.timestamps));
      if (!data || !times) damaged++;
      setAll(fields, event, data);
      setAll(timestamps, event, times);
    }
    if (rows.length < PAGE) break;
  }
  // Events may name the fields whose images lie in the store, without a value.
  for (const name of images) if (!fields.get(name)?.isWritten) fields.delete(name);
  return {
    stream,
    events: seq.length,
    seq_num: BigInt64Array.from(seq, (n) => BigInt(Math.trunc(n))),
    time: Float64Array.from(time),
    fields,
    timestamps,
    damaged,
  };
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
