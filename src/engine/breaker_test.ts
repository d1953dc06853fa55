import { assert, assertEquals } from "../../tests/assert.ts";
import { Breaker } from "./breaker.ts";

function at(random = 0.5) {
  const clock = { now: 0 };
  return { clock, breaker: new Breaker({ monotonic: () => clock.now, random: () => random }) };
}

/** Waits between probes that all fail, s. */
function waits(breaker: Breaker, clock: { now: number }, n: number): number[] {
  return Array.from({ length: n }, () => {
    const wait = (breaker.probeAt ?? NaN) - clock.now;
    clock.now = breaker.probeAt ?? NaN;
    breaker.probed(false);
    return Math.round(wait) / 1000;
  });
}

Deno.test("three failures in a row open it; a success in between starts the count anew", () => {
  const { breaker } = at();
  assertEquals([breaker.failure(), breaker.failure()], [false, false]);
  breaker.success();
  assertEquals([breaker.failure(), breaker.failure(), breaker.open], [false, false, false]);
  assertEquals([breaker.failure(), breaker.open], [true, true]);
  assertEquals([breaker.failure(), breaker.open], [false, true], "opening is news only once");
});

Deno.test("it is probed after 1, 2, 5, 10, 30 s, then every minute, within a fifth", () => {
  for (const [random, factor] of [[0.5, 1], [0, 0.8], [0.999999, 1.2]] as const) {
    const { breaker, clock } = at(random);
    for (let i = 0; i < 3; i++) breaker.failure();
    const expected = [1, 2, 5, 10, 30, 60, 60].map((s) => s * factor);
    for (const [i, wait] of waits(breaker, clock, 7).entries()) {
      assert(Math.abs(wait - (expected[i] ?? 0)) < 0.01, `${wait} s before probe ${i + 1}`);
    }
  }
});

Deno.test("a platform that answers probes but fails at work is asked less and less; after waking up at once", () => {
  const { breaker, clock } = at();
  for (let i = 0; i < 3; i++) breaker.failure();
  assertEquals(waits(breaker, clock, 2), [1, 2]);
  breaker.probed(true);
  assertEquals(breaker.open, false);
  assertEquals(breaker.failure(), true, "one more failure is enough");
  assertEquals((breaker.probeAt ?? NaN) - clock.now, 10_000);
  breaker.hurry();
  assertEquals(breaker.probeAt, clock.now);
  breaker.success();
  assertEquals([breaker.open, breaker.probeAt], [false, null]);
});
