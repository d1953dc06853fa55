/** Databases with flipped bits: a result or a SyncError for every run, never a crash or a hang. */
import { join } from "node:path";
import { SyncError } from "../../src/kit/errors.ts";
import { assert } from "../../tests/assert.ts";
import { QcodesReader } from "../../tests/read_qcodes.ts";
import backend from "./mod.ts";

const FIXTURES = new URL("../../tests/fixtures/qcodes/", import.meta.url).pathname;
const SEED = 20260101;
const COPIES = 60;

function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
}

Deno.test(`${COPIES} copies with flipped bits (seed ${SEED})`, async () => {
  const folder = await Deno.makeTempDir();
  const random = generator(SEED);
  const sources = ["experiments.db", "old_versions/v0.db", "old_versions/v3.db"].map((name) =>
    Deno.readFileSync(FIXTURES + name)
  );
  const outcomes = { read: 0, problems: 0, refused: 0 };
  try {
    for (let copy = 0; copy < COPIES; copy++) {
      const bytes = (sources[copy % sources.length] as Uint8Array).slice();
      const flips = copy % 2 === 0 ? 3 : 60;
      for (let i = 0; i < flips; i++) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      }
      const path = join(folder, `copy${copy}.db`);
      Deno.writeFileSync(path, bytes);
      const context = `copy ${copy}`;
      using reader = new QcodesReader(path);
      await backend.validate(reader.config);
      let runs: string[] = [];
      try {
        runs = (await reader.discoverAll()).map((item) => item.identifier);
      } catch (e) {
        assertReason(e, context);
        outcomes.refused++;
      }
      for (const run of runs) {
        try {
          const result = await reader.read(run);
          if ("draft" in result && result.draft.problems) outcomes.problems++;
          else outcomes.read++;
        } catch (e) {
          assertReason(e, `${context}, run ${run}`);
          outcomes.refused++;
        }
      }
      Deno.removeSync(path);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  // The damage is felt, and most runs are read all the same.
  assert(outcomes.read > 100 && outcomes.problems > 0 && outcomes.refused > 5, JSON.stringify(outcomes));
});

function assertReason(error: unknown, where: string): void {
  assert(error instanceof SyncError, `${where}: ${error instanceof Error ? error.stack : error}`);
  assert(
    ["data", "busy", "source"].includes(error.class),
    `${where}: ${error.class} ${error.code} ${error.stack}`,
  );
}
