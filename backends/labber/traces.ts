/** Traces: vectors that were measured at each point, with the values of their own axis. */
import { CHUNK, type Column } from "../../src/kit/grid/column.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import { Hdf5Dataset } from "../../src/kit/hdf5/objects.ts";
import type { Hdf5File } from "../../src/kit/hdf5/open.ts";
import { attributesAsJson } from "./json_values.ts";
import { type Channel, type Log, memberPath, textOf } from "./log_layout.ts";
import { complexColumn } from "./complex_column.ts";
import { entryShape, timeOrdered } from "./time_order.ts";

export interface Trace extends Channel {
  /** Number of traces. */
  count: number;
  /** Samples of each, with padding when they differ. */
  length: number;
  /** All samples, trace after trace. */
  values: Column;
  x: Channel;
  /** The axis that all traces share; null when they differ in it or in length. */
  sharedAxis: Float64Array | null;
  /** The axis value of every sample. */
  axisValues: Column;
}

/**
 * Reads a vector channel of a log.
 * @throws SyncError `labber_layout`, and as reading HDF5 does
 */
export function readTrace(file: Hdf5File, log: Log, channel: Channel, scratch: Scratch): Trace {
  const path = memberPath(log, "Traces", channel.name);
  const dataset = file.dataset(path);
  const { inner, columns: width, entries: count } = entryShape(dataset);
  const lengths = numbersOf(file, `${path}_N`);
  const isRagged = lengths.some((n) => n !== lengths[0]);
  const length = Math.min(inner, Math.max(0, lengths.length > 0 ? maximum(lengths) : inner));
  const columns = timeOrdered(file, dataset, scratch, length);

  const attributes = attributesAsJson(dataset);
  const isComplex = attributes.complex === true || attributes.complex === 1;
  // A column behind the values is the axis, for traces whose start and step are both zero.
  const explicit = columns[isComplex ? 2 : 1];
  const axis = axisReader(numbersOf(file, `${path}_t0dt`), explicit, length);
  return {
    ...channel,
    count,
    length,
    values: (isComplex && width >= 2 ? complexColumn(columns[0], columns[1]) : columns[0]) ?? EMPTY,
    x: { name: textOf(attributes["x, name"]), unit: textOf(attributes["x, unit"]) },
    sharedAxis: isRagged ? null : sharedAxis(axis, count, length),
    axisValues: { dtype: "f8", length: count * length, read: axis },
  };
}

const EMPTY: Column = { dtype: "f8", length: 0, read: () => new Float64Array(0) };

/** All numbers of a small dataset; none when it is missing. */
function numbersOf(file: Hdf5File, path: string): Float64Array {
  const found = file.find(path);
  if (!(found instanceof Hdf5Dataset) || found.type.kind !== "number") return new Float64Array(0);
  return Float64Array.from(found.read() as ArrayLike<number>, Number);
}

function maximum(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

/** Axis values of samples `start` to `start + length` of all traces. */
type AxisReader = (start: number, length: number) => Float64Array;

/**
 * @param pairs (start, step) of the axis, for all traces together or for each one
 * @param explicit the axis of traces whose start and step are both zero
 * @param samples length of a trace
 */
function axisReader(pairs: Float64Array, explicit: Column | undefined, samples: number): AxisReader {
  const rows = pairs.length >> 1;
  return (start, length) => {
    const values = new Float64Array(length);
    for (let done = 0; done < length;) {
      const trace = Math.floor((start + done) / samples), from = (start + done) % samples;
      const count = Math.min(samples - from, length - done);
      const row = 2 * Math.min(trace, rows - 1);
      // Without start and step, and without an axis of their own, samples are numbered.
      const t0 = pairs[row] ?? 0, dt = pairs[row + 1] ?? (explicit ? 0 : 1);
      if (explicit && t0 === 0 && dt === 0) {
        values.set(explicit.read(start + done, count) as Float64Array, done);
      } else {
        for (let k = 0; k < count; k++) values[done + k] = t0 + dt * (from + k);
      }
      done += count;
    }
    return values;
  };
}

/** The axis of the first trace when all others have it, too. */
function sharedAxis(axis: AxisReader, count: number, samples: number): Float64Array | null {
  if (count === 0) return null;
  const first = axis(0, samples);
  const total = count * samples;
  for (let start = samples; start < total; start += CHUNK) {
    const values = axis(start, Math.min(CHUNK, total - start));
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== first[(start + i) % samples]) return null;
    }
  }
  return first;
}
