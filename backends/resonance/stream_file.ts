/** The events of a stream as a netCDF file. */
import { DistinctNames, netcdfName } from "../../src/kit/hdf5/netcdf_names.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import type { Attributes, Dtype, LabelledArray, Values } from "../../src/kit/labelled.ts";
import { mapOf, type Run } from "./beamtime_database.ts";
import { fieldAttributes } from "./field_attributes.ts";
import type { StreamColumns } from "./stream_columns.ts";

/** A stream whose events hold images alone has no file: seq_num and time lie beside the images. */
export function hasFile({ events, fields, timestamps }: StreamColumns): boolean {
  return events === 0 || fields.size > 0 || timestamps.size > 0;
}

/** Writes a stream: dim `event`, coordinates `seq_num` and `time`, one variable per field. */
export async function writeStream(path: string, run: Run, columns: StreamColumns): Promise<void> {
  const { stream, events, fields, timestamps } = columns;
  const names = new DistinctNames();
  names.take("event");
  const arrays = coordinates("event", columns.seq_num, columns.time, names);
  const dims = new DistinctNames();
  dims.take("event");
  const add = (
    field: string,
    column: (axis: string) => Partial<LabelledArray>,
    attrs: Attributes,
    suffix = "",
  ) => {
    const name = names.take(netcdfName(field) + suffix);
    const values = column(dims.take(`${name}_index`));
    arrays.push({ name, dims: [], shape: [], dtype: "f8", data: [], ...values, attrs, role: "data" });
  };
  const keys = mapOf(stream.data_keys);
  for (const [field, column] of fields) {
    add(
      field,
      (axis) => column.values(events, mapOf(keys[field]).dtype, axis),
      fieldAttributes(field, keys[field]),
    );
  }
  for (const [field, column] of timestamps) {
    const attrs = { long_name: `unix time at which ${field} was read`, units: "s" };
    add(field, (axis) => column.values(events, "number", axis), attrs, "_timestamp");
  }
  await writeNetcdf(path, { arrays, attrs: runAttributes(run, { stream: stream.name }) });
}

/** `seq_num` and `time` of events along a dimension. */
export function coordinates(
  dim: string,
  seq_num: BigInt64Array,
  time: Float64Array,
  names: DistinctNames,
): LabelledArray[] {
  const array = (name: string, dtype: Dtype, data: Values, attrs: Attributes): LabelledArray => (
    { name: names.take(name), dims: [dim], shape: [data.length], dtype, data, attrs, role: "coordinate" }
  );
  return [
    array("seq_num", "i8", seq_num, { long_name: "number of the event in the run" }),
    array("time", "f8", time, { long_name: "unix time of the event", units: "s" }),
  ];
}

/** Attributes of every file: what never changes once the run has begun. */
export function runAttributes(run: Run, more: Attributes): Attributes {
  return { run_uid: run.uid, plan_name: run.plan_name, time_start: run.time_start, ...more };
}
