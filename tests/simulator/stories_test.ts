/** One seed is one history; stories whose every operation fails once. */
import { assertEquals } from "../assert.ts";
import { failEach, KINDS, STORIES } from "./exhaustive.ts";
import { randomHistory } from "./history.ts";
import { withShelf } from "./many_seeds.ts";

/** Of the operations of a story every nth fails here; `run.ts --exhaustive` fails each of them. */
const STEP = 5;

Deno.test("a seed is one history: told twice, it is the same to the last operation", () =>
  withShelf(async (shelf) => {
    for (const seed of [3, 14, 159, 265]) {
      const [first, second] = [await randomHistory(seed, shelf), await randomHistory(seed, shelf)];
      assertEquals(first.trace, second.trace, `seed ${seed}`);
    }
  }));

for (const [name, story] of Object.entries(STORIES)) {
  Deno.test(`${name} ends well, whichever of its operations fails`, () =>
    withShelf(async (shelf) => {
      for (const [i, fault] of KINDS.entries()) {
        const { failures } = await failEach(shelf, story, fault, STEP, 1 + i % STEP);
        assertEquals(failures.map(({ nth, problems }) => ({ fault, nth, problems })), []);
      }
    }));
}
