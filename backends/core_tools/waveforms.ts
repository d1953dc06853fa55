/** The voltages of a pulse sequence as labelled arrays. */
import type { LabelledArray, SlabSource } from "../../src/kit/labelled.ts";
import { detuning, type Piece, type Pulse, type PulseSequence } from "./pulse_sequence.ts";

/** Samples beyond which a channel is no pulse sequence any more: 33 ms. */
const MOST_SAMPLES = 2 ** 25;

/**
 * For every channel a variable over `time_<channel>`: the baseband as corners of a piecewise linear voltage, pulses
 * sampled every ns.
 * @throws RangeError when the sequence is too long to be sampled
 */
export function waveforms(sequence: PulseSequence): LabelledArray[] {
  const { duration } = sequence;
  const baseband = [...sequence.baseband].map(([name, pieces]) => {
    const corners = cornersOf(pieces, duration);
    return channel(name, corners.map(([t]) => t), corners.map(([, v]) => v));
  });
  const samples = Math.ceil(duration) + 1;
  if (sequence.pulses.size > 0 && samples > MOST_SAMPLES) {
    throw new RangeError(`${duration} ns are too long to be sampled every ns`);
  }
  const pulses = [...sequence.pulses].map(([name, list]) =>
    sampledChannel(
      name,
      samples,
      (start, length) => Float64Array.from({ length }, (_, i) => start + i),
      (start, length) => sampled(list, start, length, (pulse) => detuning(sequence, name, pulse)),
    )
  );
  return [...baseband, ...pulses].flat();
}

function channel(name: string, times: number[], values: number[]): LabelledArray[] {
  const slices = (list: number[]): SlabSource => (start, length) =>
    Float64Array.from(list.slice(start, start + length));
  return sampledChannel(name, times.length, slices(times), slices(values));
}

function sampledChannel(
  name: string,
  length: number,
  times: SlabSource,
  values: SlabSource,
): LabelledArray[] {
  const time = `time_${name}`;
  const common = { dims: [time], shape: [length], dtype: "f8" } as const;
  return [
    {
      ...common,
      dims: [time],
      shape: [length],
      name: time,
      data: times,
      attrs: { units: "ns", long_name: "Time" },
      role: "coordinate",
    },
    {
      ...common,
      dims: [time],
      shape: [length],
      name,
      data: values,
      attrs: { units: "mV", long_name: name },
      role: "data",
    },
  ];
}

/** Corners (ns, mV) of the sum of pieces from 0 to the end; a step is two corners at one time. */
function cornersOf(pieces: readonly Piece[], duration: number): [number, number][] {
  const times = [...new Set([0, duration, ...pieces.flatMap((p) => [p.start, p.stop])])].sort((a, b) =>
    a - b
  );
  const corners: [number, number][] = [];
  const add = (time: number, value: number) => {
    const last = corners.at(-1);
    if (last?.[0] !== time || last[1] !== value) corners.push([time, value]);
  };
  let next = 0;
  let active: Piece[] = [];
  for (const [i, from] of times.slice(0, -1).entries()) {
    const to = times[i + 1] ?? from;
    for (let piece = pieces[next]; piece && piece.start <= from; piece = pieces[++next]) active.push(piece);
    active = active.filter((piece) => piece.stop >= to);
    const at = (time: number) => active.reduce((sum, piece) => sum + voltage(piece, time), 0);
    add(from, at(from));
    add(to, at(to));
  }
  if (corners.length === 0) corners.push([0, 0]);
  return corners;
}

function voltage({ start, stop, v_start, v_stop }: Piece, time: number): number {
  if (time === start) return v_start;
  if (time === stop) return v_stop;
  return v_start + (v_stop - v_start) * (time - start) / (stop - start);
}

/** Samples at whole ns; a pulse holds from its start up to, and without, its stop. */
function sampled(
  pulses: readonly Pulse[],
  start: number,
  length: number,
  frequencyOf: (pulse: Pulse) => number,
): Float64Array {
  const values = new Float64Array(length);
  for (const pulse of pulses) {
    const phasePerNs = 2 * Math.PI * frequencyOf(pulse) * 1e-9;
    const from = Math.max(start, Math.ceil(pulse.start));
    const to = Math.min(start + length, Math.ceil(pulse.stop));
    for (let t = from; t < to; t++) {
      values[t - start] = (values[t - start] ?? 0) +
        pulse.amplitude * Math.sin(phasePerNs * t + pulse.start_phase);
    }
  }
  return values;
}
