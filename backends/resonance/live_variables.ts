/** The variables of a running run: what its streams and images are called side by side in one session. */
import { DistinctNames, netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import type { LiveDtype, LiveVariable } from "../../src/kit/live.ts";
import type { Dtype } from "../../src/kit/labelled.ts";
import { mapOf } from "./beamtime_database.ts";
import type { ColumnValues, EventColumn } from "./event_column.ts";
import { fieldAttributes } from "./field_attributes.ts";
import type { EventTable } from "./stream_columns.ts";

/** What a stored type is on the stream: integers that a double holds are doubles. */
export function liveDtype(dtype: Dtype): LiveDtype {
  if (dtype === "text") return "text";
  if (dtype === "c8" || dtype === "c16") return "c16";
  return dtype === "i8" ? "i8" : "f8";
}

/** A column of a stream as a variable. */
export interface FieldVariable {
  variable: LiveVariable;
  column: EventColumn;
  /** What the stream announced of its type. */
  described: unknown;
  /** Events given. */
  given: number;
}

/** The variables of a stream. */
export interface StreamVariables {
  table: EventTable;
  seq_num: LiveVariable;
  time: LiveVariable;
  /** Events whose number and time were given. */
  given: number;
  fields: FieldVariable[];
}

/**
 * A stream's variables with the extents that they have before the first value. Those of the first stream of a run have
 * the names that they have in its file, those of others `<stream>.<name>`.
 */
export function streamVariables(table: EventTable, isFirst: boolean, names: DistinctNames): StreamVariables {
  const { stream } = table;
  const prefix = isFirst ? "" : `${netcdfName(stream.name)}.`;
  const event = `${prefix}event`;
  const variable = (
    name: string,
    dtype: LiveDtype,
    more: Partial<LiveVariable> = {},
  ): LiveVariable => ({
    ...{ name: names.take(prefix + netcdfName(name)), dtype, dims: [event], shape: [0], role: "measured" },
    ...{ units: null, long_name: name, depends_on: [] },
    ...more,
  });
  const seq_num = variable("seq_num", "i8", {
    role: "setpoint",
    long_name: "number of the event in the run",
  });
  const time = variable("time", "f8", {
    ...{ role: "setpoint", long_name: "unix time of the event", units: "s" },
  });
  const depends_on = [seq_num.name];
  const keys = mapOf(stream.data_keys);
  const field = (name: string, column: EventColumn, described: unknown, about: Partial<LiveVariable>) => {
    const { dtype, dims, shape } = shapeOf(column, table.events, described);
    const made = variable(name, dtype, { ...about, depends_on });
    if (dims.length > 1) made.dims = [event, `${made.name}_index`];
    made.shape = shape.map((length, axis) => axis === 0 ? 0 : length);
    return { variable: made, column, described, given: 0 };
  };
  return {
    ...{ table, seq_num, time, given: 0 },
    fields: [
      ...[...table.fields].map(([name, column]) => {
        const { units } = fieldAttributes(name, keys[name]);
        return field(name, column, mapOf(keys[name]).dtype, {
          units: typeof units === "string" ? units : null,
        });
      }),
      ...[...table.timestamps].map(([name, column]) =>
        field(`${name}_timestamp`, column, "number", {
          ...{ long_name: `unix time at which ${name} was read`, units: "s" },
        })
      ),
    ],
  };
}

/** Type and extent of a column as it is now; booleans stay integers, since what is missing is just not written. */
export function shapeOf(
  column: EventColumn,
  events: number,
  described: unknown,
): { dtype: LiveDtype; dims: string[]; shape: number[]; values: ColumnValues["data"] } {
  const { dtype, dims, shape, data } = column.values(column.isWritten ? events : 0, described, "index");
  return { dtype: liveDtype(dtype), dims, shape, values: data };
}
