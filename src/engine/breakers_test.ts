import { assertEquals } from "../../tests/assert.ts";
import { Breakers, PLATFORM } from "./breakers.ts";

const STORE = "https://store.example.org";

function at() {
  const clock = { now: 0 };
  return { clock, breakers: new Breakers({ monotonic: () => clock.now, random: () => 0.5 }) };
}

Deno.test("a store that fails is probed itself, and an answer of the platform says nothing about it", () => {
  const { breakers, clock } = at();
  for (let i = 0; i < 3; i++) breakers.failure(STORE);
  assertEquals([breakers.open, breakers.probeAt], [true, 1000]);
  clock.now = 1000;
  assertEquals(breakers.due(), [STORE]);
  assertEquals(breakers.due(), [], "not again before its time");
  breakers.answered(PLATFORM);
  breakers.success(false);
  assertEquals([breakers.open, breakers.probeAt], [true, 3000]);
  breakers.answered(STORE);
  assertEquals([breakers.open, breakers.probeAt], [false, null]);
});

Deno.test("failures of different servers are not added up; bytes that arrived speak for all", () => {
  const { breakers } = at();
  for (const endpoint of [STORE, PLATFORM, STORE, PLATFORM]) breakers.failure(endpoint);
  assertEquals(breakers.open, false);
  breakers.failure(PLATFORM);
  breakers.failure(STORE);
  assertEquals(breakers.open, true);
  breakers.success(true);
  assertEquals(breakers.open, false);
});
