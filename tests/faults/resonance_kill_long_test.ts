/** As tests/e2e/resonance_kill_test.ts, at many more moments. */
import { assert } from "../assert.ts";
import { killWriters } from "../resonance_kills.ts";
import { Random } from "./prng.ts";

const KILLS = 200;

Deno.test(`resonance: kill -9 of the writer at ${KILLS} random moments`, async () => {
  const folder = await Deno.makeTempDir({ prefix: "resonance_kill_" });
  try {
    const random = new Random(2);
    const tally = await killWriters(folder, KILLS, () => random.next());
    console.log(JSON.stringify(tally));
    assert(tally.torn > KILLS / 4 && tally.closed > 10, JSON.stringify(tally));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
