import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "../../../tests/assert.ts";
import { RunWriter, WriterDatabaseError, WriterStateError } from "../mod.ts";
import { rows, schemaOf, WriterFolder, zarrArray } from "./testing.ts";

const FIXTURES = new URL("../../../tests/fixtures/resonance/", import.meta.url).pathname;
const SAMPLE = { name: "PS film", formula: "C8H8", tags: ["polymer"], extra: { thickness_nm: 35 } };

/** The code of the WriterStateError that a call throws. */
function stateCode(call: () => unknown): string {
  const error = assertThrows(call);
  assert(error instanceof WriterStateError, `${error.name}: ${error.message}`);
  assert(error.hint !== "");
  return error.code;
}

function databaseCode(call: () => unknown): string {
  const error = assertThrows(call);
  assert(error instanceof WriterDatabaseError, `${error.name}: ${error.message}`);
  assert(error.hint !== "");
  return error.code;
}

Deno.test("a new database has the tables, indexes and keys of the one that Python writes", () => {
  using folder = new WriterFolder();
  RunWriter.with(folder.path("a.db"), SAMPLE, () => {});
  assertEquals(schemaOf(folder.path("a.db")), schemaOf(`${FIXTURES}2026-03-05.db`));
});

Deno.test("a database of version 1 is brought to version 2 and keeps its runs", () => {
  using folder = new WriterFolder();
  Deno.copyFileSync(`${FIXTURES}old_schema_v1.db`, folder.path("old.db"));
  RunWriter.with(folder.path("old.db"), { name: "old" }, (w) => {
    w.openRun("scan");
    w.openStream("primary", {});
    w.writeImage(w.writeEvent({}), "ccd", { data: Uint8Array.of(1), shape: [1, 1] });
  });
  assertEquals(rows(folder.path("old.db"), "PRAGMA user_version"), [{ user_version: 2 }]);
  assertEquals(rows(folder.path("old.db"), "SELECT count(*) AS n FROM runs"), [{ n: 2 }]);
  assertEquals(rows(folder.path("old.db"), "SELECT compression_codec AS c FROM image_refs"), [{
    c: "blosc",
  }]);
});

Deno.test("making a writer touches nothing, and its getters tell where it is", () => {
  using folder = new WriterFolder();
  const w = new RunWriter(`${folder.path("x")}/../a.db`, { name: "s" });
  assertEquals([w.dbPath, w.isOpen, w.runUid, w.streamUid, w.seqNum, w.sample.id], [
    ...[folder.path("a.db"), false, "", "", 0, undefined],
  ]);
  assertThrows(() => Deno.statSync(folder.path("a.db")));
  w.open();
  assertEquals([w.isOpen, w.sample.id], [true, 1]);
  const run = w.openRun("scan");
  assertMatch(run, /^[0-9a-f]{32}$/);
  const stream = w.openStream("primary", {});
  w.writeEvent({ x: 1 });
  assertEquals([w.runUid, w.streamUid, w.seqNum], [run, stream, 1]);
  w.closeRun();
  assertEquals([w.runUid, w.streamUid, w.seqNum], ["", "", 0]);
  w.close();
  assertEquals(w.isOpen, false);
  assert(Deno.statSync(folder.path("a.zarr")).isDirectory);
});

Deno.test("every call at the wrong moment says what is missing", () => {
  using folder = new WriterFolder();
  const w = new RunWriter(folder.path("a.db"), SAMPLE);
  const image = { data: new Uint8Array(1), shape: [1, 1] };
  for (
    const call of [
      () => w.openRun("p"),
      () => w.openStream("s", {}),
      () => w.writeEvent({}),
      () => w.writeImage("", "f", image),
      () => w.closeRun(),
      () => w.close(),
    ]
  ) assertEquals(stateCode(call), "not_open");
  w.open();
  assertEquals(stateCode(() => w.open()), "already_open");
  for (
    const call of [
      () => w.openStream("s", {}),
      () => w.writeEvent({}),
      () => w.writeImage("", "f", image),
      () => w.closeRun(),
    ]
  ) assertEquals(stateCode(call), "no_run");
  w.openRun("p");
  assertEquals(stateCode(() => w.openRun("q")), "run_open");
  assertEquals(stateCode(() => w.writeEvent({})), "no_stream");
  w.openStream("s", {});
  assertEquals(stateCode(() => w.openStream("s", {})), "stream_exists");
  assertEquals(stateCode(() => w.writeImage("f".repeat(32), "f", image)), "unknown_event");
  w.close();
});

Deno.test("events count on over the streams of a run and are seen when the run is closed", () => {
  using folder = new WriterFolder();
  const path = folder.path("a.db");
  using w = new RunWriter(path, SAMPLE).open();
  const before = Date.now() / 1000;
  const run = w.openRun("scan", { metadata: { operator: "AB", gain: NaN } });
  assertEquals(rows(path, "SELECT uid, plan_name FROM runs"), [{ uid: run, plan_name: "scan" }]);
  w.openStream("baseline", { T: { units: "K" } });
  w.writeEvent({ T: 4.2 }, { T: 12.5 });
  w.openStream("primary", { x: {} });
  assertEquals(rows(path, "SELECT name FROM streams"), [{ name: "baseline" }, { name: "primary" }]);
  w.writeEvent({ x: 2n ** 60n, ok: true, list: Float64Array.of(1, 2), none: null, text: "ä\u0000" });
  w.writeEvent({ x: Infinity });
  assertEquals(rows(path, "SELECT count(*) AS n FROM events"), [{ n: 1 }]);
  w.closeRun({ exitStatus: "aborted" });
  const [row] = rows(path, "SELECT * FROM runs");
  assertEquals([row?.exit_status, row?.num_events, row?.operator], ["aborted", 3, null]);
  assertEquals(row?.metadata, '{"operator": "AB", "gain": NaN}');
  assert(Number(row?.time_start) >= before && Number(row?.time_stop) >= Number(row?.time_start));
  assertEquals(rows(path, "SELECT seq_num, data, timestamps FROM events ORDER BY seq_num"), [
    { seq_num: 1, data: '{"T": 4.2}', timestamps: '{"T": 12.5}' },
    {
      seq_num: 2,
      data: '{"x": 1152921504606846976, "ok": true, "list": [1, 2], "none": null, "text": "ä\\u0000"}',
      timestamps: "{}",
    },
    { seq_num: 3, data: '{"x": Infinity}', timestamps: "{}" },
  ]);
});

Deno.test("a sample is found by its name, entered once, and refused by an unknown id", () => {
  using folder = new WriterFolder();
  const path = folder.path("a.db");
  const idOf = (sample: { id?: number; name: string }) => RunWriter.with(path, sample, (w) => w.sample.id);
  assertEquals([idOf(SAMPLE), idOf({ name: "blank" }), idOf({ name: "PS film" })], [1, 2, 1]);
  assertEquals(idOf({ id: 2, name: "whatever" }), 2);
  assertEquals(stateCode(() => new RunWriter(path, { id: 9, name: "x" }).open()), "sample_not_found");
  assertEquals(rows(path, "SELECT name, formula, tags, extra FROM samples"), [
    { name: "PS film", formula: "C8H8", tags: '["polymer"]', extra: '{"thickness_nm": 35}' },
    { name: "blank", formula: null, tags: "[]", extra: "{}" },
  ]);
});

Deno.test("using and with close an open run and pass errors on", async () => {
  using folder = new WriterFolder();
  const path = folder.path("a.db");
  {
    using w = new RunWriter(path, SAMPLE).open();
    w.openRun("using");
  }
  assertEquals(RunWriter.with(path, SAMPLE, (w) => w.openRun("sync")).length, 32);
  const thrown = assertThrows(() =>
    RunWriter.with(path, SAMPLE, (w) => {
      w.openRun("sync failed");
      throw new RangeError("beam lost");
    })
  );
  assertEquals([thrown.name, thrown.message], ["RangeError", "beam lost"]);
  let kept: RunWriter | undefined;
  await RunWriter.with(path, SAMPLE, async (w) => {
    kept = w;
    w.openRun("async");
    await Promise.resolve();
    assert(w.isOpen);
  });
  assertEquals(kept?.isOpen, false);
  const rejected = await assertRejects(() =>
    RunWriter.with(path, SAMPLE, async (w) => {
      w.openRun("async failed");
      await Promise.reject(new RangeError("beam lost"));
    })
  );
  assertEquals(rejected.message, "beam lost");
  RunWriter.with(path, SAMPLE, (w) => {
    w.openRun("closed");
    w.close();
  });
  assertEquals(rows(path, "SELECT plan_name, exit_status FROM runs").map((r) => Object.values(r)), [
    ["using", "success"],
    ["sync", "success"],
    ["sync failed", "failed"],
    ["async", "success"],
    ["async failed", "failed"],
    ["closed", null],
  ]);
});

const IMAGES = [
  [Int8Array.of(-128, 127), "int8", "i1"],
  [Uint8Array.of(0, 255), "uint8", "u1"],
  [Int16Array.of(-32768, 32767), "int16", "i2"],
  [Uint16Array.of(0, 65535), "uint16", "u2"],
  [Int32Array.of(-(2 ** 31), 7), "int32", "i4"],
  [Uint32Array.of(0, 2 ** 32 - 1), "uint32", "u4"],
  [BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n), "int64", "i8"],
  [BigUint64Array.of(0n, 2n ** 64n - 1n), "uint64", "u8"],
  [Float32Array.of(NaN, 1.5), "float32", "f4"],
  [Float64Array.of(-Infinity, 1e-300), "float64", "f8"],
] as const;

for (const format of [2, 3]) {
  Deno.test(`images of every type come back from a store of format ${format}`, async () => {
    using folder = new WriterFolder();
    if (format === 3) {
      // As another writer began it.
      Deno.mkdirSync(folder.path("a.zarr"));
      Deno.copyFileSync(`${FIXTURES}2026-03-05.zarr/zarr.json`, folder.path("a.zarr/zarr.json"));
    }
    const run = RunWriter.with(folder.path("a.db"), SAMPLE, (w) => {
      const uid = w.openRun("scan");
      w.openStream("primary", {});
      for (let n = 0; n < 3; n++) {
        const event = w.writeEvent({});
        for (const [data, name] of IMAGES) w.writeImage(event, name, { data, shape: [1, 2] });
      }
      return uid;
    });
    for (const [data, name, dtype] of IMAGES) {
      assertEquals(await zarrArray(folder.path("a.zarr"), `runs/${run}/${name}`), {
        shape: [3, 1, 2],
        dtype,
        values: [...data, ...data, ...data],
      });
    }
    const refs = rows(folder.path("a.db"), "SELECT * FROM image_refs WHERE field_name = 'uint16'");
    assertEquals(refs.map((r) => [r.zarr_group, r.index_in_stack, r.shape_x, r.shape_y, r.dtype]), [
      [`runs/${run}/uint16`, 0, 1, 2, "uint16"],
      [`runs/${run}/uint16`, 1, 1, 2, "uint16"],
      [`runs/${run}/uint16`, 2, 1, 2, "uint16"],
    ]);
    assertEquals(refs.map((r) => r.compression_codec), ["blosc", "blosc", "blosc"]);
    assert(Deno.statSync(folder.path(`a.zarr/runs/${run}/${format === 3 ? "zarr.json" : ".zgroup"}`)).isFile);
  });
}

Deno.test("images without pixels, parts of larger arrays, and strides that say C order are taken", async () => {
  using folder = new WriterFolder();
  const path = folder.path("a.db");
  const run = RunWriter.with(path, SAMPLE, (w) => {
    const uid = w.openRun("scan");
    w.openStream("primary", {});
    const event = w.writeEvent({});
    w.writeImage(event, "empty", { data: new Float32Array(0), shape: [0, 4] });
    const large = Uint16Array.from({ length: 10 }, (_, i) => i);
    assertEquals(
      w.writeImage(event, "part", { data: large.subarray(3, 7), shape: [2, 2], strides: [2, 1] }),
      0,
    );
    assertEquals(w.writeImage(event, "part", { data: large.subarray(4, 8), shape: [2, 2] }), 1);
    return uid;
  });
  assertEquals((await zarrArray(folder.path("a.zarr"), `runs/${run}/empty`)).shape, [1, 0, 4]);
  const { values } = await zarrArray(folder.path("a.zarr"), `runs/${run}/part`);
  assertEquals(values, [3, 4, 5, 6, 4, 5, 6, 7]);
});

Deno.test("images that do not fit are refused, and the next good one is numbered as if nothing had been", () => {
  using folder = new WriterFolder();
  using w = new RunWriter(folder.path("a.db"), SAMPLE).open();
  w.openRun("scan");
  w.openStream("primary", {});
  const event = w.writeEvent({});
  const data = new Uint16Array(6);
  const code = (image: unknown, field = "ccd") =>
    stateCode(() => w.writeImage(event, field, image as { data: Uint16Array; shape: number[] }));
  assertEquals(w.writeImage(event, "ccd", { data, shape: [2, 3] }), 0);
  assertEquals(code({ data, shape: [3, 2] }), "image_shape");
  assertEquals(code({ data: new Int16Array(6), shape: [2, 3] }), "image_dtype");
  assertEquals(code({ data, shape: [6] }), "image_rank");
  assertEquals(code({ data, shape: [1, 2, 3] }), "image_rank");
  assertEquals(code({ data, shape: [2, 2] }), "image_shape");
  assertEquals(code({ data, shape: [-2, -3] }), "image_shape");
  assertEquals(code({ data, shape: [2, 3], strides: [1, 2] }), "image_order");
  assertEquals(code({ data: [1, 2, 3, 4, 5, 6], shape: [2, 3] }), "image_dtype");
  assertEquals(code({ data: new DataView(new ArrayBuffer(6)), shape: [2, 3] }), "image_dtype");
  for (
    const field of ["", ".", "..", "a/b", "a\\b", "../x", "zarr.json", ".zarray", "__x", "x".repeat(300)]
  ) {
    assertEquals(code({ data, shape: [2, 3] }, field), "image_field", field);
  }
  assertEquals(code({ data, shape: [2, 3] }, "CCD"), "image_field");
  assertEquals(w.writeImage(event, "ccd", { data, shape: [2, 3] }), 1);
  assertEquals(stateCode(() => w.writeEvent({ f: () => 1 })), "value_not_json");
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  assertEquals(stateCode(() => w.writeEvent(circular)), "value_not_json");
  assertEquals(w.seqNum, 1);
});

Deno.test("files that are no beamtime database are refused and stay as they are", () => {
  using folder = new WriterFolder();
  const open = (path: string) => new RunWriter(path, SAMPLE).open();
  const refused = (name: string, bytes: Uint8Array) => {
    Deno.writeFileSync(folder.path(name), bytes);
    const code = databaseCode(() => open(folder.path(name)));
    assertEquals(Deno.readFileSync(folder.path(name)), bytes, name);
    return code;
  };
  const good = Deno.readFileSync(`${FIXTURES}2026-03-05.db`);
  assertEquals(
    refused("text.db", new TextEncoder().encode("no database at all".repeat(99))),
    "database_damaged",
  );
  assertEquals(refused("cut.db", good.slice(0, good.length / 2)), "database_damaged");
  const scratched = good.slice();
  scratched.fill(0xaa, 3 * 4096, 5 * 4096);
  assertEquals(refused("scratched.db", scratched), "database_damaged");
  assertEquals(refused("index.db", Deno.readFileSync(`${FIXTURES}index.db`)), "other_database");
  assertEquals(databaseCode(() => open(folder.path("no/such/folder.db"))), "database_unwritable");
  {
    using db = new DatabaseSync(folder.path("text.db.new"));
    db.exec("CREATE TABLE samples (id)");
  }
  assertEquals(databaseCode(() => open(folder.path("text.db.new"))), "other_database");
  RunWriter.with(folder.path("newer.db"), SAMPLE, () => {});
  {
    using db = new DatabaseSync(folder.path("newer.db"));
    db.exec("PRAGMA user_version = 3");
  }
  assertEquals(databaseCode(() => open(folder.path("newer.db"))), "newer_database");
});

Deno.test("a database that another program writes is busy, and what was begun goes on afterwards", () => {
  using folder = new WriterFolder();
  const path = folder.path("a.db");
  using w = new RunWriter(path, SAMPLE, { busyTimeout: 10 }).open();
  w.openRun("scan");
  w.openStream("primary", {});
  {
    using other = new RunWriter(path, SAMPLE, { busyTimeout: 10 }).open();
    other.openRun("other");
    other.openStream("primary", {});
    other.writeEvent({ x: 1 });
    const error = assertThrows(() => w.writeEvent({ x: 1 }));
    assert(error instanceof WriterDatabaseError && error.code === "database_busy");
    assertMatch(error.hint, /another program/i);
    assertEquals(
      databaseCode(() => new RunWriter(path, { name: "new" }, { busyTimeout: 10 }).open()),
      "database_busy",
    );
    assertEquals(w.seqNum, 0);
  }
  w.writeEvent({ x: 2 });
  {
    // A reader keeps the end of a run waiting.
    using reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM runs").get();
    assertEquals(databaseCode(() => w.closeRun()), "database_busy");
    assert(w.runUid !== "");
  }
  w.closeRun();
  assertEquals(
    rows(path, "SELECT plan_name, exit_status, num_events FROM runs").map((r) => Object.values(r)),
    [
      ["scan", "success", 1],
      ["other", "success", 1],
    ],
  );
});

Deno.test(
  "hundreds of images in one go need few file handles",
  { ignore: Deno.build.os === "windows" },
  async () => {
    using folder = new WriterFolder();
    const script = new URL("../../../tests/bench/resonance_writer.ts", import.meta.url).pathname;
    const { success, stderr } = await new Deno.Command("bash", {
      args: [
        ...[
          "-c",
          'ulimit -n 200; exec "$0" "$@"',
          Deno.execPath(),
          "run",
          "-A",
          "--no-check",
          "--quiet",
          script,
        ],
        ...["write", folder.path("."), "300", "300", "8"],
      ],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    assertEquals(rows(folder.path("bench.db"), "SELECT count(*) AS n FROM image_refs"), [{ n: 300 }]);
  },
);
