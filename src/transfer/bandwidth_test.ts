import { setImmediate } from "node:timers";
import { assert, assertEquals } from "../../tests/assert.ts";
import { bandwidthLimit, limitedBody, type Traffic } from "./bandwidth.ts";
import { parseRate, parseTimetable, rateAt } from "./timetable.ts";

/** A clock that moves on when somebody sleeps: the earliest sleeper wakes first. */
class Clock {
  now = 0;
  readonly #sleepers: { at: number; wake: () => void }[] = [];

  readonly env = {
    monotonic: () => this.now,
    sleep: (ms: number) =>
      new Promise<void>((wake) => {
        this.#sleepers.push({ at: this.now + ms, wake });
        this.#sleepers.sort((a, b) => a.at - b.at);
      }),
  };

  /** Runs until nobody sleeps before `end`. */
  async run(end: number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#sleepers[0];
      if (!next || next.at > end) break;
      this.#sleepers.shift();
      this.now = next.at;
      next.wake();
    }
    this.now = end;
  }
}

/** Takes pieces until the clock stands at `end`. @returns a function that tells the bytes taken so far */
function takeAll(
  bandwidth: ReturnType<typeof bandwidthLimit>,
  clock: Clock,
  end: number,
  traffic: Traffic = "bulk",
): () => number {
  let taken = 0;
  (async () => {
    while (clock.now < end) {
      await bandwidth.take(16_384, undefined, traffic);
      taken += 16_384;
    }
  })();
  return () => taken;
}

Deno.test("the mean over ten seconds is the limit, within a tenth, however many take", async () => {
  for (const [limit, takers] of [[100_000, 1], [2_000_000, 1], [2_000_000, 7]] as const) {
    const clock = new Clock();
    const bandwidth = bandwidthLimit(clock.env, () => limit);
    const taken = Array.from({ length: takers }, () => takeAll(bandwidth, clock, 10_000));
    await clock.run(10_000);
    const mean = taken.reduce((sum, t) => sum + t(), 0) / 10;
    assert(Math.abs(mean / limit - 1) < 0.1, `${mean} instead of ${limit} with ${takers}`);
  }
});

Deno.test("a limit that is changed, or taken away, counts at once", async () => {
  const clock = new Clock();
  let limit = 50_000;
  const bandwidth = bandwidthLimit(clock.env, () => limit);
  const taken = takeAll(bandwidth, clock, 40_000);
  await clock.run(10_000);
  const slow = taken();
  limit = 1_000_000;
  await clock.run(20_000);
  const fast = taken() - slow;
  assert(Math.abs(fast / 10_000_000 - 1) < 0.1, `${fast} bytes after the change`);
  limit = 0;
  await bandwidth.take(1e12);
});

Deno.test("live traffic keeps its share under bulk, and bulk goes on", async () => {
  const clock = new Clock();
  const limit = 1_000_000;
  const bandwidth = bandwidthLimit(clock.env, () => limit);
  const bulk = [1, 2, 3].map(() => takeAll(bandwidth, clock, 20_000));
  const live = takeAll(bandwidth, clock, 20_000, "live");
  await clock.run(20_000);
  assert(live() / 20 >= 0.2 * limit, `live had ${live() / 20} of ${limit}`);
  const all = (live() + bulk.reduce((sum, t) => sum + t(), 0)) / 20;
  assert(all < 1.3 * limit, `${all} in all`);
});

Deno.test("a body is sent in pieces that fit a slow line; what waits can be given up", async () => {
  const clock = new Clock();
  const bandwidth = bandwidthLimit(clock.env, () => 64_000);
  const whole = new Uint8Array(300_000).map((_, i) => i);
  const body = limitedBody({
    size: whole.length,
    async *chunks() {
      yield whole;
    },
  }, bandwidth);
  const pieces: number[] = [];
  const got: number[] = [];
  const reading = (async () => {
    for await (const piece of body.chunks()) {
      pieces.push(piece.length);
      got.push(...piece);
    }
  })();
  await clock.run(10_000);
  await reading;
  assertEquals(got, [...whole]);
  assert(Math.max(...pieces) <= 65_536, `${pieces}`);
});

Deno.test("rates are read as people write them", () => {
  assertEquals(["2M", "500k", "1.5M", "0", "12", "3G", "2 MB/s", 700].map(parseRate), [
    2e6,
    5e5,
    1.5e6,
    0,
    12,
    3e9,
    2e6,
    700,
  ]);
  for (const wrong of ["", "fast", "-1", "1T", "2M5"]) assert(Number.isNaN(parseRate(wrong)), wrong);
});

Deno.test("hours of the day have limits of their own, also over midnight", () => {
  const spans = parseTimetable({ "08:00-18:00": "2M", "22:00-06:00": "0" }) ?? [];
  const at = (hour: number, minute: number) =>
    rateAt(spans, 500, new Date(2026, 2, 3, hour, minute).getTime());
  assertEquals([at(7, 59), at(8, 0), at(17, 59), at(18, 0)], [500, 2e6, 2e6, 500]);
  assertEquals([at(21, 59), at(22, 0), at(0, 0), at(5, 59), at(6, 0)], [500, 0, 0, 0, 500]);
  for (const wrong of ["8-18", "25:00-26:00", "08:00"]) {
    assertEquals(parseTimetable({ [wrong]: "2M" }), undefined);
  }
  assertEquals(parseTimetable({ "08:00-18:00": "quick" }), undefined);
});
