/** Runs that the fixtures do not have: odd values, odd names, images that are missing or damaged, runs that go on. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "../../tests/assert.ts";
import { type ReadRun, ResonanceReader } from "../../tests/read_resonance.ts";
import { treeListing } from "../../tests/tree_listing.ts";
import type { Config } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import backend, { RunWriter } from "./mod.ts";
import { WriterFolder } from "./writer/testing.ts";

const FIXTURES = new URL("../../tests/fixtures/resonance", import.meta.url).pathname;
const MINUTE = 60_000;

/** Writes one run, lets `change` spoil the database, and reads it back. */
async function roundTrip(
  write: (writer: RunWriter) => void,
  change: (db: DatabaseSync, folder: string) => void = () => {},
): Promise<ReadRun> {
  using folder = new WriterFolder();
  const path = folder.path("b.db");
  let uid = "";
  RunWriter.with(path, { name: "s" }, (w) => {
    uid = w.openRun("scan");
    write(w);
  });
  {
    using db = new DatabaseSync(path);
    change(db, folder.path("."));
  }
  using reader = new ResonanceReader({ database_path: path });
  return await reader.run(uid);
}

/** Values of a variable of the stream `primary`. */
function values(read: ReadRun, name: string): unknown[] | undefined {
  return read.netcdf.primary?.variables[name]?.values;
}

/** A run with these events in a stream `primary`. */
function events(data: Record<string, unknown>[], keys: Record<string, unknown> = {}): Promise<ReadRun> {
  return roundTrip((w) => {
    w.openStream("primary", keys);
    for (const event of data) w.writeEvent(event);
  });
}

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

Deno.test("numbers, booleans and texts keep their kind, and what is missing is NaN or empty", async () => {
  const read = await events([
    { number: 1, flag: true, text: "a", gappy: true, mixed: 1, half: 2 },
    { number: NaN, flag: false, text: "ä\n🎉", mixed: "two", half: true },
    { number: -Infinity, flag: true, text: "", gappy: false, mixed: false, none: null },
  ]);
  assertEquals(values(read, "number"), [1, NaN, -Infinity]);
  assertEquals(values(read, "flag"), [1, 0, 1]);
  assertEquals(read.netcdf.primary?.variables.flag?.attributes.dtype, "bool");
  assertEquals(values(read, "text"), ["a", "ä\n🎉", ""]);
  assertEquals(values(read, "gappy"), [1, NaN, 0]);
  assertEquals(values(read, "mixed"), ["1", "two", "false"]);
  assertEquals(values(read, "half"), [2, 1, NaN]);
  assertEquals(values(read, "none"), [NaN, NaN, NaN]);
});

Deno.test("lists of numbers get an axis of their own, other nested values become JSON", async () => {
  const read = await events([
    { trace: [1, 2, 3], nested: { a: [1, NaN] }, words: ["a"], ragged: [1] },
    { trace: [4, NaN, null], nested: {}, words: [], ragged: 5 },
    {},
  ]);
  const trace = read.netcdf.primary?.variables.trace;
  assertEquals([trace?.dims, trace?.shape], [["event", "trace_index"], [3, 3]]);
  assertEquals(trace?.values, [1, 2, 3, 4, NaN, NaN, NaN, NaN, NaN]);
  assertEquals(values(read, "nested"), ['{"a":[1,"NaN"]}', "{}", ""]);
  assertEquals(values(read, "words"), ['["a"]', "[]", ""]);
  assertEquals(values(read, "ragged"), ["[1]", "5", ""]);
});

Deno.test("integers beyond 2^53 stay exact as text, and numbers where a number was announced", async () => {
  const read = await events([{ id: 2n ** 60n, count: 2n ** 60n }, { id: 7, count: 7 }], {
    count: { dtype: "integer" },
  });
  assertEquals(values(read, "id"), ["1152921504606846976", "7"]);
  assertEquals(values(read, "count"), [2 ** 60, 7]);
});

Deno.test("announced fields without values, and events without announced fields", async () => {
  const keys = {
    number: { dtype: "number", units: "V" },
    text: { dtype: "string" },
    flag: { dtype: "boolean" },
    image: { dtype: "array", shape: [2, 2] },
    plain: {},
  };
  const read = await events([{ extra: 1 }, { extra: 2 }], keys);
  assertEquals([values(read, "number"), values(read, "plain")], [[NaN, NaN], [NaN, NaN]]);
  assertEquals(values(read, "text"), ["", ""]);
  assertEquals(values(read, "image"), undefined);
  assertEquals(values(read, "extra"), [1, 2]);
  assertEquals(read.draft.keywords, ["scan", "number", "text", "flag", "plain", "extra"]);
  const empty = await events([], keys);
  assertEquals(["seq_num", "time", "number", "text", "flag"].map((v) => values(empty, v)), [
    [],
    [],
    [],
    [],
    [],
  ]);
  assertEquals(empty.netcdf.primary?.variables.number?.shape, [0]);
});

Deno.test("fields may be called like dimensions, coordinates, timestamps and each other", async () => {
  const names = ["time", "event", "seq_num", "x", "x_timestamp", "a/b", "a_b", "µ (°C)", " ", "__proto__"];
  const read = await roundTrip((w) => {
    w.openStream("primary", {});
    const data = Object.fromEntries(names.map((name, i) => [name, i]));
    w.writeEvent(data, { x: 100, "a/b": 200 });
  });
  const found = Object.entries(read.netcdf.primary?.variables ?? {})
    .filter(([name]) => name !== "time" && name !== "seq_num")
    .map(([name, v]) => [name, String(v.attributes.long_name), v.values[0]]);
  assertEquals(Object.fromEntries(found.map(([name, long]) => [name, long])), {
    time_2: "time",
    event_2: "event",
    seq_num_2: "seq_num",
    x: "x",
    x_timestamp: "x_timestamp",
    "a_b": "a/b",
    "a_b_2": "a_b",
    "µ (°C)": "µ (°C)",
    _: " ",
    ["__proto__"]: "__proto__",
    x_timestamp_2: "unix time at which x was read",
    a_b_timestamp: "unix time at which a/b was read",
  });
  assertEquals(found.map(([, , value]) => value), [...names.map((_, i) => i), 100, 200]);
});

Deno.test("attributes that would change how values are read are kept under another name", async () => {
  const read = await events([{ x: 5 }, {}], {
    x: {
      units: "V",
      scale_factor: 2,
      _FillValue: 5,
      dtype: "bool",
      limits: [0, 1],
      who: { a: 1 },
      off: null,
    },
  });
  const attributes = read.netcdf.primary?.variables.x?.attributes ?? {};
  assertEquals(["units", "scale_factor_", "_FillValue_", "dtype_", "who"].map((name) => attributes[name]), [
    ...["V", 2, 5, "bool", '{"a":1}'],
  ]);
  assertEquals([attributes.scale_factor, attributes.dtype, attributes.off], [
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(Array.from(attributes.limits as Float64Array), [0, 1]);
});

Deno.test("streams may be called like the file of the run, like each other, and like nothing at all", async () => {
  const streams = ["run", "a/b", "a_b", "..", "images/x", "nul\u0001", "ä"];
  const read = await roundTrip((w) => {
    for (const [i, name] of streams.entries()) {
      w.openStream(name, {});
      w.writeEvent({ [`x${i}`]: i });
    }
  });
  const files = read.draft.files.map((f) => [f.name, f.filename]);
  assertEquals(files, [
    ["run", "run.json"],
    ["run_2", "run_2.hdf5"],
    ["a_b", "a_b.hdf5"],
    ["a_b_2", "a_b_2.hdf5"],
    ["_", "_.hdf5"],
    ["images_x", "images_x.hdf5"],
    ["nul_", "nul_.hdf5"],
    ["ä", "ä.hdf5"],
  ]);
  for (const [i, [name = ""]] of files.slice(1).entries()) {
    assertEquals(read.netcdf[name]?.variables[`x${i}`]?.values, [i], name);
  }
});

Deno.test("damaged rows cost their own values alone and quarantine the run", async () => {
  const read = await roundTrip((w) => {
    w.openStream("primary", { x: {} });
    for (let x = 1; x <= 3; x++) w.writeEvent({ x });
  }, (db) => {
    db.exec("UPDATE events SET data = '{\"x\": ' WHERE seq_num = 2");
    db.exec("UPDATE streams SET data_keys = 'no JSON'");
    db.exec("PRAGMA foreign_keys = ON; UPDATE runs SET metadata = '[1, 2'; DELETE FROM samples");
  });
  assertEquals(values(read, "x"), [1, NaN, 3]);
  assertEquals(read.draft.problems?.map((p) => [p.code, p.class]), [["resonance_corrupt", "data"]]);
  assertEquals([read.draft.name, read.draft.attributes.sample], ["scan", undefined]);
});

/** Writes `frames` images into one field. */
function writeFrames(
  w: RunWriter,
  field: string,
  frames: number,
  make: (n: number) => Float32Array | Uint8Array,
) {
  w.openStream("primary", {});
  for (let n = 0; n < frames; n++) {
    const event = w.writeEvent({});
    w.writeImage(event, field, { data: make(n), shape: [1, 2] });
  }
}
const floats = (n: number) => Float32Array.of(n, n + 0.5);

Deno.test("a row without its frame gives NaN or zeros and a warning", async () => {
  const lose = (_db: DatabaseSync, folder: string) => {
    for (const run of Deno.readDirSync(join(folder, "b.zarr", "runs"))) {
      const path = join(folder, "b.zarr", "runs", run.name, "ccd", ".zarray");
      if (run.name.startsWith(".")) continue;
      const document = JSON.parse(Deno.readTextFileSync(path));
      document.shape[0] = 1;
      Deno.writeTextFileSync(path, JSON.stringify(document));
    }
  };
  const read = await roundTrip((w) => writeFrames(w, "ccd", 3, floats), lose);
  const { variables } = read.netcdf["images/ccd"] ?? { variables: undefined };
  assertEquals(variables?.ccd?.values, [0, 0.5, NaN, NaN, NaN, NaN]);
  assertEquals(variables?.seq_num?.values, [1n, 2n, 3n]);
  assertEquals(read.draft.logs?.map((l) => l.code), ["image_missing"]);
  assertEquals(read.draft.problems, undefined);
  const integers = await roundTrip((w) => writeFrames(w, "ccd", 2, (n) => Uint8Array.of(n + 1, 7)), lose);
  assertEquals(integers.netcdf["images/ccd"]?.variables.ccd?.values, [1, 7, 0, 0]);
  assertEquals(integers.netcdf["images/ccd"]?.variables.ccd?.dtype, "u1");
});

Deno.test("without the store all frames are missing, in the type that the rows tell", async () => {
  const read = await roundTrip((w) => writeFrames(w, "ccd", 2, floats), (_db, folder) => {
    Deno.removeSync(join(folder, "b.zarr"), { recursive: true });
  });
  const ccd = read.netcdf["images/ccd"]?.variables.ccd;
  assertEquals([ccd?.shape, ccd?.dtype, ccd?.values], [[2, 1, 2], "f4", [NaN, NaN, NaN, NaN]]);
  assertEquals(read.draft.logs?.map((l) => l.code), ["image_missing"]);
});

Deno.test("a damaged frame costs itself alone and quarantines the run", async () => {
  const read = await roundTrip((w) => writeFrames(w, "ccd", 3, floats), (_db, folder) => {
    for (const run of Deno.readDirSync(join(folder, "b.zarr", "runs"))) {
      if (!run.isDirectory) continue;
      Deno.writeTextFileSync(join(folder, "b.zarr", "runs", run.name, "ccd", "1.0.0"), "no blosc");
    }
  });
  assertEquals(read.netcdf["images/ccd"]?.variables.ccd?.values, [0, 0.5, NaN, NaN, 2, 2.5]);
  assertEquals(read.draft.problems?.map((p) => p.code), ["zarr_damaged"]);
});

Deno.test("images without pixels, and fields named like coordinates", async () => {
  const read = await roundTrip((w) => {
    w.openStream("primary", { time: { units: "counts" } });
    const event = w.writeEvent({ time: null });
    w.writeImage(event, "empty", { data: new Uint16Array(0), shape: [3, 0] });
    w.writeImage(event, "time", { data: Uint16Array.of(7), shape: [1, 1] });
  });
  assertEquals(read.netcdf["images/empty"]?.variables.empty?.shape, [1, 3, 0]);
  assertEquals(read.netcdf["images/time"]?.variables.time_2?.values, [7]);
  assertEquals(read.netcdf["images/time"]?.variables.time_2?.attributes.units, "counts");
  assertEquals(Object.keys(read.netcdf).sort(), ["images/empty", "images/time"]);
});

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
