/** The configuration, and what the backend leaves behind. */
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { ResonanceReader } from "../../tests/read_resonance.ts";
import { treeListing } from "../../tests/tree_listing.ts";
import type { Config } from "../../src/kit/define_backend.ts";
import backend, { RunWriter } from "./mod.ts";
import { WriterFolder } from "./writer/testing.ts";

const FIXTURES = new URL("../../tests/fixtures/resonance", import.meta.url).pathname;

Deno.test("the configuration names exactly one place", async () => {
  const problems = async (config: Config) => (await backend.validate(config)).join("; ");
  assertMatch(await problems({}), /neither data_directory nor database_path/);
  const path = join(FIXTURES, "2026-03-05.db");
  assertMatch(await problems({ data_directory: FIXTURES, database_path: path }), /both .* exactly one/);
  assertEquals(await problems({ database_path: path }), "");
  assertEquals(await problems({ database_path: join(FIXTURES, "old_schema_v1.db") }), "");
  assertEquals(await problems({ data_directory: FIXTURES }), "");
  assertMatch(await problems({ database_path: join(FIXTURES, "index.db") }), /is a master index/);
  assertMatch(
    await problems({ database_path: join(FIXTURES, "not_a_beamtime.db") }),
    /is not a beamtime database/,
  );
  assertMatch(await problems({ database_path: join(FIXTURES, "no.db") }), /does not exist/);
  assertMatch(await problems({ database_path: FIXTURES }), /is not a file/);
  assertMatch(await problems({ data_directory: path }), /is not a folder/);
});

Deno.test("a writer without patience feels nothing of looks and reads, and nothing appears beside its database", async () => {
  using folder = new WriterFolder();
  const path = folder.path("b.db");
  using reader = new ResonanceReader({ database_path: path });
  using w = new RunWriter(path, { name: "s" }, { busyTimeout: 0 }).open();
  for (let n = 0; n < 5; n++) {
    const uid = w.openRun("scan");
    w.openStream("primary", {});
    const event = w.writeEvent({ x: n });
    w.writeImage(event, "ccd", { data: Uint16Array.of(n), shape: [1, 1] });
    const before = treeListing(folder.path("."));
    assert(`b.db-journal` in before, "the transaction is open");
    const { items } = await reader.discover();
    assert(items.some((i) => i.identifier === uid));
    await reader.run(uid);
    assertEquals(treeListing(folder.path(".")), before);
    // While the backend has the database open, the writer ends its run.
    const reading = reader.run(uid);
    await Promise.resolve();
    w.closeRun();
    await reading;
  }
});

Deno.test("equal runs give equal bytes", async () => {
  using reader = new ResonanceReader({ database_path: join(FIXTURES, "2026-03-05.db") });
  const bytes = async () => {
    const { draft } = await reader.run("0d72498a409d9fd35c7ce6ab50579aeb");
    return draft.files.map((f) => Deno.readFileSync(f.path).toBase64());
  };
  assertEquals(await bytes(), await bytes());
});
