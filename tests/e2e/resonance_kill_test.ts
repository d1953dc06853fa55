/** A writer that is killed leaves a database that opens, its closed runs intact, and no broken Zarr. */
import { assert } from "../assert.ts";
import { killWriters } from "../resonance_kills.ts";
import { Random } from "../faults/prng.ts";

Deno.test("resonance: kill -9 of the writer at 30 random moments", async () => {
  const folder = await Deno.makeTempDir({ prefix: "resonance_kill_" });
  try {
    const random = new Random(1);
    const tally = await killWriters(folder, 30, () => random.next());
    assert(tally.torn >= 10 && tally.closed >= 1, JSON.stringify(tally));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
