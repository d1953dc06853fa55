/** Converts one log of a Labber file to netCDF-4. */
import type { Column } from "../../src/kit/grid/column.ts";
import { Scratch } from "../../src/kit/grid/scratch.ts";
import { writeNetcdf } from "../../src/kit/hdf5/netcdf_writer.ts";
import { Hdf5Dataset } from "../../src/kit/hdf5/objects.ts";
import type { Hdf5File } from "../../src/kit/hdf5/open.ts";
import { assemble, type MeasuredChannel, type Measurement } from "./assemble.ts";
import { complexColumn } from "./complex_column.ts";
import { configurationAttributes } from "./configuration.ts";
import { gridAxes } from "./grid.ts";
import { layoutError, type Log, memberPath, type ScalarChannel } from "./log_layout.ts";
import { entryShape, timeOrdered } from "./time_order.ts";
import { readTrace } from "./traces.ts";

/**
 * Writes a log to `output`.
 * @param scratchFolder existing, private folder for temporary files
 * @throws SyncError `labber_layout`, and as reading and writing do
 */
export async function convertLog(
  file: Hdf5File,
  log: Log,
  output: string,
  scratchFolder: string,
): Promise<void> {
  using scratch = new Scratch(scratchFolder);
  await writeNetcdf(output, assemble(readMeasurement(file, log, scratch), scratch));
}

function readMeasurement(file: Hdf5File, log: Log, scratch: Scratch): Measurement {
  const data = file.find(memberPath(log, "Data", "Data"));
  const columns = data instanceof Hdf5Dataset ? timeOrdered(file, data, scratch) : [];
  const traces = log.traces.map((channel) => readTrace(file, log, channel, scratch));
  const withTrace = Math.max(0, ...traces.map((trace) => trace.count));
  const rowLength = data instanceof Hdf5Dataset ? entryShape(data).inner : 0;
  const points = log.setpoints.length > 0
    ? measuredPoints(columns, rowLength, withTrace)
    : columns[0]?.length ?? withTrace;
  const channels = (list: ScalarChannel[]) => list.map((channel) => valuesOf(channel, columns, points, log));
  const setpoints = channels(log.setpoints);
  return {
    setpoints,
    axes: gridAxes(setpoints.map(({ values }) => values), points),
    scalars: channels(log.scalars),
    traces,
    attrs: configurationAttributes(file, log),
  };
}

/**
 * The number of points without those at the end of the last row that an interrupted log has room for but did not
 * reach: neither set nor measured.
 * @param least number of points that have a trace
 */
function measuredPoints(columns: readonly Column[], rowLength: number, least: number): number {
  const recorded = columns[0]?.length ?? 0;
  const isNaNAt = (column: Column, point: number) => Number.isNaN((column.read(point, 1) as Float64Array)[0]);
  let end = recorded;
  const begun = Math.max(least, recorded - rowLength);
  while (end > begun && columns.every((column) => isNaNAt(column, end - 1))) end--;
  return end;
}

function valuesOf(
  { name, unit, columns: [real, imaginary] }: ScalarChannel,
  columns: readonly Column[],
  points: number,
  log: Log,
): MeasuredChannel {
  const values = imaginary === undefined ? columns[real] : complexColumn(columns[real], columns[imaginary]);
  if (!values) {
    throw layoutError(`${memberPath(log, "Data", "Data")} has ${columns.length} columns, none for ${name}`);
  }
  return { name, unit, values: { dtype: values.dtype, length: points, read: values.read.bind(values) } };
}
