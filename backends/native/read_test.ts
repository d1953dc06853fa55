import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../../src/kit/errors.ts";
import backend from "./mod.ts";
import { RABI, TestDatabase } from "./testing.ts";

async function failure(work: () => Promise<unknown>): Promise<SyncError> {
  const error = await assertRejects(work);
  assert(error instanceof SyncError, String(error));
  return error;
}

Deno.test("a dataset's row becomes a draft with its own identity, scope and creator", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  const draft = await db.draft();
  assertEquals(draft.replica?.uuid, RABI);
  assertEquals(draft.replica?.scope, {
    uuid: "aaaaaaaa-0000-4000-8000-00000000000a",
    name: "own scope A",
    description: "description of own scope A",
  });
  assertEquals([draft.replica?.creator, draft.replica?.notes], ["lab_user", null]);
  assertEquals(draft.replica?.modified, Date.parse("2025-06-01T10:00:04.123Z"));
  assertEquals([draft.collected, draft.name, draft.keywords, draft.ranking], [
    "2025-06-01T10:00:00.123456+00:00",
    "own rabi scan",
    ["rabi", "fixture"],
    0,
  ]);
  assertEquals(draft.attributes, { sample: "S1", "set-up": "fridge β" });
  assertEquals(draft.files.map((f) => [f.name, f.filename, f.type, f.version?.version_id]), [
    ["data", "data.hdf5", "HDF5_NETCDF", 1748772001123],
    ["settings", "settings.json", "JSON", 1748772002123],
    ["settings", "settings.json", "JSON", 1748772004123],
    ["notes", "notes.txt", "TEXT", 1748772003123],
  ]);
});

Deno.test("old rows without a fraction, dates with a blank or without optional columns are read", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  db.run("UPDATE datasets SET collected = '2025-06-01 10:00:00', keywords = 'null', description = NULL");
  db.run("DROP INDEX IF EXISTS files_sync_index");
  db.run("ALTER TABLE files DROP COLUMN ranking");
  const draft = await db.draft();
  assertEquals([draft.collected, draft.keywords, draft.description], [
    "2025-06-01T10:00:00.000000+00:00",
    [],
    undefined,
  ]);
  assertEquals(draft.files.map((f) => f.ranking), [0, 0, 0, 0]);
});

Deno.test("discovery finds what is not synchronized, also when only a file is not", async () => {
  using db = TestDatabase.copyOf("v0.3-synced");
  assertEquals(await db.identifiers(), []);
  db.run("UPDATE files SET synchronized = 0 WHERE id = 8");
  assertEquals(await db.identifiers(), [], "a cache file is never uploaded");
  db.run("UPDATE files SET synchronized = 0, status = 'writing' WHERE id = 10");
  assertEquals(await db.identifiers(), []);
  db.run("UPDATE files SET synchronized = 0 WHERE id = 1");
  db.run("UPDATE datasets SET synchronized = 0 WHERE id = 2");
  assertEquals(await db.identifiers(), [RABI, "00000002-0000-4000-8000-000000000002"]);
});

Deno.test("an item is found changed when a user changed it, not when its marks change", async () => {
  using db = TestDatabase.copyOf("v0.3-done");
  const look = async () =>
    (await backend.discover(db.config, undefined)).items.map((
      i,
    ) => [i.identifier.slice(0, 8), i.fingerprint, i.priority]);
  const before = await look();
  assertEquals(before[0]?.[2], Date.parse("2025-06-01T10:00:04.123Z") / 1000);
  db.run("UPDATE files SET synchronized = 1 WHERE id < 4");
  assertEquals(await look(), before);
  db.run("UPDATE datasets SET ranking = 5 WHERE id = 1");
  db.run("INSERT INTO dataset_attr (key, value, scope_id) VALUES ('k', 'v', 2)");
  db.run("INSERT INTO ds_attr_link SELECT 2, max(id) FROM dataset_attr");
  const changed = (await look()).map((row, i) => row[1] !== before[i]?.[1]);
  assertEquals(changed, [true, true, false, false]);
});

for (
  const [what, sql, message] of [
    [
      "keywords that are no JSON",
      "UPDATE datasets SET keywords = '[oops' WHERE id = 1",
      /keywords is no JSON list/,
    ],
    [
      "keywords that are no list",
      `UPDATE datasets SET keywords = '{"a":1}' WHERE id = 1`,
      /keywords is no JSON list/,
    ],
    [
      "a time that is none",
      "UPDATE datasets SET collected = 'yesterday' WHERE id = 1",
      /collected is no UTC time/,
    ],
    [
      "a day that does not exist",
      "UPDATE datasets SET collected = '2025-02-30 10:00:00' WHERE id = 1",
      /collected/,
    ],
    [
      "a scope that is not there",
      "UPDATE datasets SET scope_id = 77 WHERE id = 1",
      /row 77 of scopes\): it is not there/,
    ],
    ["a scope without uuid", "UPDATE scopes SET uuid = 'x' WHERE id = 1", /"x" is no uuid/],
  ] as const
) {
  Deno.test(`${what}: this dataset alone is in error, and says where`, async () => {
    using db = TestDatabase.copyOf("v0.3-done");
    using sqlite = db.open();
    sqlite.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
    const error = await failure(() => db.draft());
    assertEquals([error.class, error.code], ["data", "native_row_invalid"]);
    assertMatch(error.message, /"own rabi scan" \(row 1 of datasets\)/);
    assertMatch(error.message, message);
    assertEquals((await db.identifiers()).length, 4);
    await db.draft("00000002-0000-4000-8000-000000000002");
  });
}

Deno.test("a malformed uuid is an item of its own, in error", async () => {
  using db = TestDatabase.copyOf("v0.3-done");
  db.run("UPDATE datasets SET uuid = 'not a uuid' WHERE id = 1");
  assertEquals((await db.identifiers())[0], "row 1");
  const error = await failure(() => db.draft("row 1"));
  assertMatch(error.message, /uuid is no uuid/);
});

Deno.test("a dataset that was deleted in qdrive says so", async () => {
  using db = TestDatabase.copyOf("v0.3-done");
  const error = await failure(() => db.draft("00000009-0000-4000-8000-000000000009"));
  assertEquals([error.class, error.code], ["data", "native_row_missing"]);
});

for (
  const [what, sql, message] of [
    ["unknown type", "UPDATE files SET type = 'MOVIE' WHERE id = 1", /type is none of HDF5, HDF5_NETCDF/],
    ["malformed uuid", "UPDATE files SET uuid = 'zz' WHERE id = 1", /uuid is no uuid/],
    ["unknown status", "UPDATE files SET status = 'lost' WHERE id = 1", /status "lost" is not known/],
    [
      "name that leaves the dataset",
      "UPDATE files SET name = '../x' WHERE id = 1",
      /no name inside the dataset/,
    ],
    ["version that is no number", "UPDATE files SET version_id = 'a' WHERE id = 1", /version_id/],
  ] as const
) {
  Deno.test(`a file with ${what} is a problem of its item and hides no other file`, async () => {
    using db = TestDatabase.copyOf("v0.2-done");
    db.run(sql);
    const { files, problems } = await db.draft();
    assertEquals(files.length, 3);
    assertEquals(problems?.map((p) => p.class), ["data"]);
    assertMatch(problems?.[0]?.message ?? "", message);
  });
}

Deno.test("files that can't be had say why: no path, gone, a link, a folder, relative", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  const [gone, link, folder] = ["gone", "link", "folder"].map((name) => join(db.folder, name));
  Deno.mkdirSync(String(folder));
  Deno.symlinkSync(db.path, String(link));
  const missing = async (path: string | null) => {
    db.run("UPDATE files SET local_path = ? WHERE id = 1", path);
    return (await db.draft()).files[0]?.version?.missing ?? "";
  };
  assertMatch(await missing(null), /no path/);
  assertMatch(await missing(String(gone)), /does not exist/);
  assertMatch(await missing(String(link)), /is a link/);
  assertMatch(await missing(String(folder)), /is a folder/);
  assertMatch(await missing("data/x.txt"), /no absolute path/);
  assertEquals(await missing(db.path), "", "a file outside of data/ is one like any other");
});

Deno.test("files of an installation that was moved are found in the folder that the user named", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  assertMatch(String(db.rows("SELECT local_path FROM files WHERE id = 1")[0]?.local_path), /^\/data\/lb\//);
  const [data] = (await db.draft()).files;
  assertEquals(data?.version?.missing, undefined);
  assert(data?.path.startsWith(join(db.folder, "data")));
  assertEquals(Deno.statSync(data?.path ?? "").size, 16008);
});

Deno.test("files that are being written, caches and records without a file are left out with a reason", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  db.run("UPDATE files SET status = 'writing' WHERE id = 1");
  db.run("UPDATE files SET status = 'unavailable' WHERE id = 2");
  db.run("UPDATE files SET type = 'HDF5_CACHE' WHERE id = 3");
  const { files, skips, state } = await db.draft();
  assertEquals(files.map((f) => f.version?.version_id), [1748772004123]);
  assertEquals(skips?.map((s) => s.reason).sort(), ["cache_file", "still_writing", "unavailable"]);
  assertEquals(state, "incomplete");
});

Deno.test("schemas from before times were in UTC are refused, naming the version; newer unknown ones are read", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  db.run("UPDATE alembic_version SET version_num = 'c077798e06b9'");
  const error = await failure(() => db.identifiers());
  assertEquals([error.class, error.code], ["source", "native_schema_old"]);
  assertMatch(error.message, /c077798e06b9/);
  for (const version of ["c867b432fc6a", "0123456789ab"]) {
    db.run("UPDATE alembic_version SET version_num = ?", version);
    assertEquals((await db.identifiers()).length, 4);
  }
});

Deno.test("a database that lacks a needed column, or is another one, is the source's error", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  db.run("ALTER TABLE files RENAME COLUMN local_path TO place");
  const lacking = await failure(() => db.identifiers());
  assertEquals([lacking.class, lacking.code], ["source", "native_schema_unknown"]);
  assertMatch(lacking.message, /files\.local_path/);
  db.run("ALTER TABLE files RENAME TO dateien");
  assertEquals((await failure(() => db.identifiers())).code, "not_a_native_database");
});

Deno.test("a folder without a database is refused, naming what is missing", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  assertEquals(await backend.validate(db.config), []);
  assertEquals(await backend.validate({ data_directory: join(db.folder, "sql") }), [
    `data_directory: there is no native database (sql/etiket_db.sql) in ${join(db.folder, "sql")}`,
  ]);
});

Deno.test("two thousand and more datasets come in pages, each once", async () => {
  using db = TestDatabase.copyOf("v0.3-done");
  using sqlite = db.open();
  sqlite.exec(`
    WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 2600)
    INSERT INTO datasets (id, uuid, collected, created, modified, name, scope_id, creator, keywords, search_helper, ranking, synchronized)
    SELECT i, printf('%032x', i), collected, created, modified, name, scope_id, creator, keywords, search_helper, 0, 0
    FROM n, datasets AS d WHERE d.id = 1`);
  const found: string[] = [];
  let since: unknown;
  for (let more = true; more;) {
    const page = await backend.discover(db.config, since);
    found.push(...page.items.map((i) => i.identifier));
    [since, more] = [page.cursor, page.more];
  }
  assertEquals([found.length, new Set(found).size], [2505, 2505]);
});
