/** Which runs are found, and when they are looked at again. */
import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "../../tests/assert.ts";
import { ResonanceReader } from "../../tests/read_resonance.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { RunWriter } from "./mod.ts";
import { WriterFolder } from "./writer/testing.ts";

const MINUTE = 60_000;

Deno.test("a run that goes on is read when it ends, when another begins, or when it was quiet for 10 minutes", async () => {
  using folder = new WriterFolder();
  using reader = new ResonanceReader({ database_path: folder.path("b.db") });
  using w = new RunWriter(folder.path("b.db"), { name: "s" }).open();
  const uid = w.openRun("scan");
  w.openStream("primary", { x: {} });
  for (let x = 0; x < 3; x++) {
    w.writeImage(w.writeEvent({ x }), "ccd", { data: Uint8Array.of(x), shape: [1, 1] });
  }
  const running = await reader.read(uid, { newest: true });
  assert("not_started" in running);
  assertMatch(running.not_started, /being measured/);
  // Its writer may be dead: what is on the disk is published, images without their events too.
  for (const given of [{ newest: true, now: Date.now() + 11 * MINUTE }, { newest: false }]) {
    const result = await reader.read(uid, given);
    assert("draft" in result);
    assertEquals([result.draft.state, result.draft.attributes.exit_status], ["incomplete", undefined]);
    assertEquals(result.draft.files.map((f) => f.name), ["run", "primary", "images/ccd"]);
    assertEquals(result.draft.logs?.map((l) => l.code), ["frames_without_event"]);
  }
  const partial = await reader.run(uid);
  assertEquals(partial.netcdf["images/ccd"]?.variables.ccd?.values, [0, 1, 2]);
  assertEquals(partial.netcdf["images/ccd"]?.variables.seq_num?.values, [-1n, -1n, -1n]);
  w.closeRun({ exitStatus: "aborted" });
  const ended = await reader.read(uid, { newest: true });
  assert("draft" in ended);
  assertEquals([ended.draft.state, ended.draft.attributes.exit_status], ["complete", "aborted"]);
  assertEquals(ended.draft.logs, undefined);
});

Deno.test("discovery tells a run anew when it ends, is superseded or its sample changes, and else not", async () => {
  using folder = new WriterFolder();
  const path = folder.path("b.db");
  using reader = new ResonanceReader({ database_path: path });
  const prints = async () =>
    Object.fromEntries((await reader.discover()).items.map((i) => [i.identifier, i.fingerprint]));
  using w = new RunWriter(path, { name: "s" }).open();
  const first = w.openRun("first");
  const begun = await prints();
  assertEquals(await prints(), begun);
  {
    using other = new RunWriter(path, { name: "s" }).open();
    other.openRun("second");
    other.closeRun();
  }
  const superseded = await prints();
  assertNotEquals(superseded[first], begun[first]);
  w.closeRun();
  const ended = await prints();
  assertNotEquals(ended[first], superseded[first]);
  {
    using db = new DatabaseSync(path);
    db.exec("UPDATE samples SET formula = 'H2O'");
  }
  const renamed = await prints();
  for (const uid of Object.keys(ended)) assertNotEquals(renamed[uid], ended[uid]);
  // Nothing changed and no run is open: nothing to tell.
  assertEquals(await prints(), {});
});

Deno.test("thousands of runs come page by page, each once", async () => {
  using folder = new WriterFolder();
  RunWriter.with(folder.path("b.db"), { name: "s" }, () => {});
  {
    using db = new DatabaseSync(folder.path("b.db"));
    db.exec(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) INSERT INTO runs " +
        "(uid, plan_name, time_start, exit_status) SELECT printf('%032x', i), 'count', i, 'success' FROM n",
    );
  }
  using reader = new ResonanceReader({ data_directory: folder.path(".") });
  const { items } = await reader.discover();
  assertEquals(new Set(items.map((i) => i.identifier)).size, 2500);
  assertEquals([items.length, items[0]?.priority], [2500, 2_500_000]);
});

Deno.test("a folder may hold databases at any depth, and anything else", async () => {
  using folder = new WriterFolder();
  Deno.mkdirSync(folder.path("a b#1/2026"), { recursive: true });
  Deno.mkdirSync(folder.path(".hidden"));
  const uid = RunWriter.with(folder.path("a b#1/2026/ü.db"), { name: "s" }, (w) => w.openRun("scan"));
  RunWriter.with(folder.path(".hidden/x.db"), { name: "s" }, (w) => w.openRun("hidden"));
  RunWriter.with(folder.path("none.db"), { name: "s" }, () => {});
  Deno.writeTextFileSync(folder.path("empty.db"), "");
  Deno.mkdirSync(folder.path("folder.db"));
  Deno.symlinkSync(folder.path("nowhere"), folder.path("dangling.db"));
  using reader = new ResonanceReader({ data_directory: folder.path(".") });
  const { items, unmatched } = await reader.discover();
  assertEquals(items.map((i) => i.identifier), [`a b#1/2026/ü.db#${uid}`]);
  assertEquals(unmatched?.map((u) => u.path).sort(), ["dangling.db", "empty.db"]);
  const { draft } = await reader.run(`a b#1/2026/ü.db#${uid}`);
  assertEquals([draft.attributes.beamtime, draft.alt_uid], ["ü", uid]);
  for (const identifier of ["../x.db#u", "#u", "u", "none.db#u"]) {
    const error = await assertRejects(() => reader.read(identifier));
    assert(error instanceof SyncError && error.class === "data", error.message);
  }
  Deno.renameSync(folder.path("a b#1"), folder.path("elsewhere"));
  const missing = await assertRejects(() => reader.read(`a b#1/2026/ü.db#${uid}`));
  assert(missing instanceof SyncError && missing.code === "resonance_database_missing");
  using gone = new ResonanceReader({ data_directory: folder.path("a b#1") });
  const error = await assertRejects(() => gone.discover());
  assert(error instanceof SyncError && error.code === "root_missing");
});
