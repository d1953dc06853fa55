/** Events with odd values and odd names. */
import { assertEquals } from "../../tests/assert.ts";
import { events, roundTrip, values } from "./testing.ts";

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

Deno.test("keywords name the scalar fields alone", async () => {
  const read = await events([{ x: 1, trace: [1, 2] }], { x: {}, trace: { dtype: "array", shape: [2] } });
  assertEquals(read.draft.keywords, ["scan", "x"]);
  assertEquals(values(read, "trace"), [1, 2]);
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
