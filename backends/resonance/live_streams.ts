/** The events of a running run: read once each, and given as patches of the columns that they belong to. */
import type { DistinctNames } from "../../src/kit/hdf5/netcdf_names.ts";
import type { LiveChange, LiveValues, LiveVariable } from "../../src/kit/live.ts";
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import { readStreams, type Stream } from "./beamtime_database.ts";
import type { FedEvent } from "./feed_reader.ts";
import { type FieldVariable, shapeOf, type StreamVariables, streamVariables } from "./live_variables.ts";
import { eventsAfter, EventTable, type EventValues } from "./stream_columns.ts";

/** Events of one look. */
const MOST_EVENTS = 20_000;

export interface NewEvents {
  stream: Stream;
  events: EventValues[];
}

/** A stream with its events: first those that are committed, then those that its writer showed before. */
interface KnownStream {
  table: EventTable;
  /** Events that are committed. */
  committed: number;
}

export class LiveStreams {
  readonly #known: KnownStream[] = [];
  #variables: StreamVariables[] = [];
  /** Events that were shown of streams that are not known yet. */
  #early: FedEvent[] = [];
  /** What was shown of a stream is not what was committed: it has to be read from its beginning. */
  mustRead = false;

  get events(): number {
    return this.#known.reduce((sum, { table }) => sum + table.events, 0);
  }

  /** The streams, and those of their events that were not known to be committed. */
  read(db: ReadOnlyDatabase, runUid: string): NewEvents[] {
    return readStreams(db, runUid).map((stream) => {
      const known = this.#find(stream.uid);
      const last = known && known.table.seqAt(known.committed - 1);
      return { stream, events: [...eventsAfter(db, stream.uid, last)] };
    });
  }

  /** @param images fields of images */
  take(found: readonly NewEvents[], images: ReadonlySet<string>): void {
    this.mustRead = false;
    for (const { stream, events } of found) {
      let known = this.#find(stream.uid);
      if (!known) this.#known.push(known = { table: new EventTable(stream, images), committed: 0 });
      const { table } = known;
      for (const event of events) {
        const shown = table.seqAt(known.committed);
        if (shown === undefined) table.add(event);
        else if (shown !== event.seq_num) {
          this.#known.splice(this.#known.indexOf(known), 1);
          this.mustRead = true;
          break;
        }
        known.committed++;
      }
    }
    this.show(this.#early.splice(0));
  }

  /** Takes in events that are not committed yet. */
  show(events: readonly FedEvent[]): void {
    for (const event of events) {
      const table = this.#find(event.stream)?.table;
      if (!table) this.#early.push(event);
      else if (event.seq_num > table.last) table.add(event);
    }
  }

  #find(uid: string): KnownStream | undefined {
    return this.#known.find(({ table }) => table.stream.uid === uid);
  }

  /** The variables as they are now; all that is known is given anew. @param images fields of images */
  open(names: DistinctNames, images: ReadonlySet<string>): LiveVariable[] {
    this.#variables = this.#known.map(({ table }, i) => {
      table.leaveOut(images);
      return streamVariables(table, i === 0, names);
    });
    return this.#variables.flatMap(({ seq_num, time, fields }) => [
      seq_num,
      time,
      ...fields.map(({ variable }) => variable),
    ]);
  }

  /** Whether other variables are there than were opened. Cheap while no event comes. */
  get isAnother(): boolean {
    return this.#known.length !== this.#variables.length ||
      this.#variables.some(({ table, given, fields }, i) =>
        this.#known[i]?.table !== table ||
        given < table.events && (
            fields.length !== table.fields.size + table.timestamps.size ||
            fields.some((field) => field.column.isWritten && !fits(field, table.events))
          )
      );
  }

  /** What was not given yet. */
  changes(): { changes: LiveChange[]; more: boolean } {
    const changes: LiveChange[] = [];
    let more = false;
    for (const stream of this.#variables) {
      const { table, given } = stream;
      const until = Math.min(table.events, given + MOST_EVENTS);
      more ||= until < table.events;
      if (until === given) continue;
      for (
        const { name, values } of [
          { name: stream.seq_num.name, values: table.seqNum(given) },
          { name: stream.time.name, values: table.time(given) },
        ]
      ) {
        const shape = [until - given];
        changes.push({
          type: "patch",
          var: name,
          offset: [given],
          shape,
          values: values.slice(0, until - given),
        });
      }
      for (const field of stream.fields) {
        if (fits(field, table.events) || !field.column.isWritten) {
          changes.push(...fieldChanges(field, given, until, table.events));
        }
      }
      stream.given = until;
    }
    return { changes, more };
  }
}

function fits({ variable, column, described }: FieldVariable, events: number): boolean {
  const { dtype, shape } = shapeOf(column, events, described);
  return dtype === variable.dtype && shape.length === variable.shape.length;
}

/** The values of events `from` ≤ i < `until` that are there; a list's as far as it goes. */
function* fieldChanges(
  { variable: { name, dtype, shape: opened }, column, described }: FieldVariable,
  from: number,
  until: number,
  events: number,
): Generator<LiveChange> {
  const { values, shape } = shapeOf(column, events, described);
  const width = opened.length > 1 ? shape[1] ?? 0 : undefined;
  for (let start = from; start < until;) {
    if (!column.has(start)) {
      start++;
      continue;
    }
    let end = start + 1;
    if (width === undefined) { while (end < until && column.has(end)) end++; }
    const length = width === undefined ? end - start : column.lengthOf(start);
    const at = width === undefined ? start : start * width;
    if (typeof values !== "function") {
      yield {
        ...{ type: "patch", var: name, offset: width === undefined ? [start] : [start, 0] },
        shape: width === undefined ? [length] : [1, length],
        values: liveValues(dtype, values.slice(at, at + length)),
      };
    }
    start = end;
  }
  yield { type: "extent", var: name, shape: width === undefined ? [until] : [until, width] };
}

function liveValues(dtype: LiveVariable["dtype"], values: Iterable<number | bigint | string>): LiveValues {
  if (dtype === "text") return Array.from(values, String);
  if (dtype === "i8") return BigInt64Array.from(values as Iterable<bigint>);
  return Float64Array.from(values as Iterable<number>, Number);
}
