import { assertEquals } from "../../../tests/assert.ts";
import { SweepPace } from "./sweep_pace.ts";

Deno.test("what does not change is searched ever more rarely, what changed at once again", () => {
  const pace = new SweepPace();
  let now = 0, sweeps = 0;
  const pass = (ms: number, found: boolean) => {
    sweeps = 0;
    for (const end = now + ms; now < end; now += 10) {
      if (!pace.isDue(now)) continue;
      sweeps++;
      pace.swept(now, found, true);
    }
    return sweeps;
  };
  pass(10_000, false);
  assertEquals(pass(20_000, false), 10);
  pass(2000, true);
  assertEquals(pass(1000, true), 20);
});

Deno.test("a search that is not over goes on", () => {
  const pace = new SweepPace();
  for (let now = 0; now < 5; now++) {
    assertEquals(pace.isDue(now), true);
    pace.swept(now, false, false);
  }
  pace.swept(5, false, true);
  assertEquals(pace.isDue(6), false);
});
