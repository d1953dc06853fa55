/** Histories of a failing world: the platform always ends up equal to the source, exactly once. */
import { assertEquals } from "../assert.ts";
import { CatalogShelf } from "./catalog.ts";
import { failEach, KINDS, STORIES } from "./exhaustive.ts";
import { randomHistory } from "./history.ts";

const SEEDS = 2000;
/** Of the operations of a story every nth fails here; `run.ts --exhaustive` fails each of them. */
const STEP = 5;

async function withShelf(work: (shelf: CatalogShelf) => Promise<void>): Promise<void> {
  const shelf = new CatalogShelf();
  try {
    await work(shelf);
  } finally {
    shelf.dispose();
  }
}

Deno.test(`${SEEDS} histories end with a platform that equals the source, exactly once`, () =>
  withShelf(async (shelf) => {
    const failed: Record<number, string[]> = {};
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { problems } = await randomHistory(seed, shelf);
      if (problems.length > 0) failed[seed] = problems;
    }
    assertEquals(failed, {});
  }));

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
