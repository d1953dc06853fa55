import { assert, assertEquals, assertThrows } from "../../tests/assert.ts";
import type { LabelledArray } from "../../src/kit/labelled.ts";
import { readSequence } from "./pulse_sequence.ts";
import { waveforms } from "./waveforms.ts";

async function valuesOf(sequence: Record<string, unknown>): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = {};
  for (const { name, shape, data } of waveforms(readSequence(sequence))) {
    assert(typeof data === "function");
    // In pieces, as it is written.
    const all: number[] = [];
    for (let start = 0; start < (shape[0] ?? 0); start += 7) {
      all.push(...(await data(start, Math.min(7, (shape[0] ?? 0) - start)) as Float64Array));
    }
    values[name] = all;
  }
  return values;
}

const piece = (start: number, stop: number, v_start: number, v_stop: number) => ({
  start,
  stop,
  v_start,
  v_stop,
});
const pulse = (start: number, stop: number, frequency: number, more: Record<string, unknown> = {}) => ({
  ...{ start, stop, frequency, amplitude: 2, start_phase: 0, AM_envelope: "None" },
  ...more,
});

Deno.test("segments follow each other at their total times, in the order of their numbers", async () => {
  const { time_P1_baseband: time, P1_baseband: voltage } = await valuesOf({
    pc10: { P1_baseband: { p0: piece(0, 10, 3, 3) }, _total_time: 10 },
    pc2: { P1_baseband: { p0: piece(10, 20, 1, 2) }, _total_time: 40 },
    pc3: null,
    pc1: { _total_time: 100 },
  });
  assertEquals(time, [0, 110, 110, 120, 120, 140, 140, 150]);
  assertEquals(voltage, [0, 0, 1, 2, 0, 0, 3, 3]);
});

Deno.test("ramps join without a step, pieces at the same time add up, without a total time the last stop counts", async () => {
  const { time_P1_baseband: time, P1_baseband: voltage } = await valuesOf({
    pc0: { P1_baseband: { p1: piece(10, 30, 5, 10), p0: piece(0, 20, 0, 10) } },
  });
  assertEquals(time, [0, 10, 10, 20, 20, 30]);
  assertEquals(voltage, [0, 5, 10, 17.5, 7.5, 10]);
});

Deno.test("pulses are sines against the oscillator of their qubit, their phase counted from the beginning", async () => {
  const values = await valuesOf({
    pc0: { _total_time: 10 },
    pc1: { q1_pulses: { p0: pulse(5, 9, 1.1e9, { start_phase: 0.5 }) }, q2_pulses: { p0: pulse(0, 3, 1e8) } },
    LOs: { q1: 1e9, q3: 5 },
  });
  const expected = (from: number, to: number, phase: number) =>
    Array.from(
      { length: 20 },
      (_, t) => t >= from && t < to ? 2 * Math.sin(2 * Math.PI * 0.1 * t + phase) : 0,
    );
  for (
    const [name, samples] of [["q1_pulses", expected(15, 19, 0.5)], [
      "q2_pulses",
      expected(10, 13, 0),
    ]] as const
  ) {
    assertEquals(values[`time_${name}`], Array.from({ length: 20 }, (_, t) => t));
    values[name]?.forEach((v, t) =>
      assert(Math.abs(v - (samples[t] ?? NaN)) < 1e-9, `${name} at ${t} ns: ${v}`)
    );
  }
});

Deno.test("a sequence that is none", () => {
  const broken = (sequence: Record<string, unknown>): LabelledArray[] => waveforms(readSequence(sequence));
  assertThrows(() => broken({ pc0: "x" }));
  assertThrows(() => broken({ pc0: { a_baseband: { p0: piece(2, 1, 0, 0) } } }));
  assertThrows(() => broken({ pc0: { q_pulses: { p0: { start: 0 } } } }));
  assertThrows(() => broken({ pc0: { _total_time: -1 } }));
  assertThrows(() => broken({ pc0: { _total_time: [10] } }));
  assertThrows(() => broken({ pc0: { q_pulses: { p0: pulse(0, 1, 1) }, _total_time: 1e10 } }));
  assertEquals(broken({ pc0: {} }), []);
});
