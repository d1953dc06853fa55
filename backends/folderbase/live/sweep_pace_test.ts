import { assertEquals } from "../../../tests/assert.ts";
import { SweepPace } from "./sweep_pace.ts";

Deno.test("what does not change is searched ever more rarely, what changed at once again", () => {
  const pace = new SweepPace();
  let now = 0;
  const searches = (ms: number, found: boolean) => {
    let count = 0;
    for (const end = now + ms; now < end; now += 10) {
      if (!pace.isDue(now)) continue;
      count++;
      pace.found(now, found);
      pace.over(now);
    }
    return count;
  };
  searches(10_000, false);
  assertEquals([searches(16_000, false), pace.isHot(now)], [10, false]);
  searches(2000, true);
  assertEquals([searches(1000, true), pace.isHot(now)], [20, true]);
});
