/** Histories of a failing world: the platform always ends up equal to the source, exactly once. */
import { assertEquals } from "../assert.ts";
import { CatalogShelf } from "./catalog.ts";
import { randomHistory } from "./history.ts";

export async function withShelf(work: (shelf: CatalogShelf) => Promise<void>): Promise<void> {
  const shelf = new CatalogShelf();
  try {
    await work(shelf);
  } finally {
    shelf.dispose();
  }
}

/** Tells the histories of seeds `from` to `to`; files of such tests run side by side. */
export function testSeeds(from: number, to: number): void {
  Deno.test(`histories ${from} to ${to} end with a platform that equals the source, exactly once`, () =>
    withShelf(async (shelf) => {
      const failed: Record<number, string[]> = {};
      for (let seed = from; seed <= to; seed++) {
        const { problems } = await randomHistory(seed, shelf);
        if (problems.length > 0) failed[seed] = problems;
      }
      assertEquals(failed, {});
    }));
}
