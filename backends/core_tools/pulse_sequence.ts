/**
 * The pulse sequence in the snapshot of a measurement (`measurement.sequence`): segments `pc0`, `pc1` … played one after
 * the other. Of each channel a segment holds `p0`, `p1` …: pieces of a voltage for `<gate>_baseband`, microwave pulses for
 * `<qubit>_pulses`; where there is none, the voltage is 0. Times in ns from the segment's beginning, voltages in mV,
 * frequencies in Hz.
 *
 * Source: the metadata and the rendering of pulse-lib, whose pulses core-tools stores.
 */
import { z } from "zod";

const number = z.number();
const piece = z.object({ start: number, stop: number, v_start: number, v_stop: number });
const pulse = z.object({
  start: number,
  stop: number,
  start_phase: number.default(0),
  frequency: number,
  amplitude: number,
});
const map = z.record(z.string(), z.unknown());

/** A straight piece of voltage. */
export type Piece = z.infer<typeof piece>;
/** A microwave pulse: a sine whose phase counts from the beginning of the sequence. */
export type Pulse = z.infer<typeof pulse>;

export interface PulseSequence {
  /** ns. */
  duration: number;
  /** By channel, with times from the beginning of the sequence, in order. */
  baseband: Map<string, Piece[]>;
  pulses: Map<string, Pulse[]>;
  /** Frequencies of the local oscillators by qubit, Hz. */
  oscillators: Map<string, number>;
}

const BASEBAND = "_baseband";
const PULSES = "_pulses";

/**
 * Joins the segments of a sequence.
 * @throws ZodError or RangeError when it is not what core-tools writes
 */
export function readSequence(sequence: Record<string, unknown>): PulseSequence {
  const joined: PulseSequence = {
    duration: 0,
    baseband: new Map(),
    pulses: new Map(),
    oscillators: new Map(Object.entries(z.record(z.string(), number).parse(sequence.LOs ?? {}))),
  };
  const segments = Object.entries(sequence).filter(([name, value]) => /^pc\d+$/.test(name) && value !== null);
  segments.sort(([a], [b]) => Number(a.slice(2)) - Number(b.slice(2)));
  for (const [, value] of segments) append(joined, map.parse(value));
  for (const channel of [...joined.baseband.values(), ...joined.pulses.values()]) {
    channel.sort((a, b) => a.start - b.start);
  }
  return joined;
}

function append(sequence: PulseSequence, segment: Record<string, unknown>): void {
  const begin = sequence.duration;
  let end = 0;
  const shifted = <T extends { start: number; stop: number }>(elements: unknown, schema: z.ZodType<T>): T[] =>
    Object.values(z.record(z.string(), schema).parse(elements)).map((element) => {
      if (element.stop < element.start) throw new RangeError("a pulse ends before it starts");
      end = Math.max(end, element.stop);
      return { ...element, start: begin + element.start, stop: begin + element.stop };
    });
  for (const [name, elements] of Object.entries(segment)) {
    if (name.endsWith(BASEBAND)) extend(sequence.baseband, name, shifted(elements, piece));
    else if (name.endsWith(PULSES)) extend(sequence.pulses, name, shifted(elements, pulse));
  }
  sequence.duration = begin + (totalTime(segment._total_time) ?? end);
}

function extend<T>(channels: Map<string, T[]>, name: string, elements: T[]): void {
  channels.set(name, [...channels.get(name) ?? [], ...elements]);
}

function totalTime(value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : number.nonnegative().parse(value);
}

/** The frequency at which the pulses of a channel are seen: relative to the local oscillator of its qubit. */
export function detuning({ oscillators }: PulseSequence, channel: string, { frequency }: Pulse): number {
  return frequency - (oscillators.get(channel.slice(0, -PULSES.length)) ?? 0);
}
