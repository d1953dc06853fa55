/** As tests/e2e/resonance_kill_test.ts, at many more moments. */
import { assert } from "../assert.ts";
import { killWriters } from "../resonance_kills.ts";
import { Random } from "./prng.ts";

/** Each round begins with a new database. */
const ROUNDS = 6;
const KILLS_PER_ROUND = 25;

Deno.test(`resonance: kill -9 of the writer at ${ROUNDS * KILLS_PER_ROUND} random moments`, async (t) => {
  for (let round = 1; round <= ROUNDS; round++) {
    await t.step(`seed ${round}`, async () => {
      const folder = await Deno.makeTempDir({ prefix: "resonance_kill_" });
      try {
        const random = new Random(round);
        const tally = await killWriters(folder, KILLS_PER_ROUND, () => random.next());
        console.log(JSON.stringify(tally));
        assert(tally.torn > KILLS_PER_ROUND / 4 && tally.closed > 1, JSON.stringify(tally));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
});
