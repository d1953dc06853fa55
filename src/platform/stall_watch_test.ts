import { assertEquals } from "../../tests/assert.ts";
import { StallWatch } from "./stall_watch.ts";

const LIMITS = { stallMs: 30_000, floorBytesPerS: 10_000, floorWindowMs: 60_000 };

/** Seconds until an upload with this speed is given up, or null within the given time. */
function givenUpAfter(bytesPerS: (s: number) => number, seconds: number): number | null {
  const watch = new StallWatch(LIMITS, 0);
  for (let s = 1; s <= seconds; s++) {
    watch.progress(bytesPerS(s), s * 1000);
    if (watch.stalled(s * 1000)) return s;
  }
  return null;
}

Deno.test("an upload is given up after 30 s without progress, or a minute below the floor", () => {
  assertEquals(givenUpAfter(() => 0, 100), 30);
  assertEquals(givenUpAfter((s) => s < 100 ? 1e6 : 0, 200), 129);
  assertEquals(givenUpAfter(() => 9_000, 100), 60);
  assertEquals(givenUpAfter(() => 11_000, 10_000), null);
  assertEquals(givenUpAfter((s) => s % 20 === 0 ? 220_000 : 0, 10_000), null);
});

Deno.test("a fast start does not excuse a slow minute later", () => {
  const at = givenUpAfter((s) => s <= 600 ? 1e6 : 5_000, 1000);
  assertEquals(at !== null && at > 600 && at <= 661, true, `given up at ${at}`);
});
