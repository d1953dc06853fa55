import type { TakenOver } from "../../src/kit/define_backend.ts";
import { assert, assertEquals } from "../../tests/assert.ts";
import { type Cells, changedCells, databaseCells, marks } from "../../tests/database_cells.ts";
import { treeListing } from "../../tests/tree_listing.ts";
import backend from "./mod.ts";
import { RABI, TestDatabase } from "./testing.ts";

const cells = (db: TestDatabase): Cells => databaseCells(db.path);

/** Reads the dataset, lets something happen to it, and notes that all of it is on the platform. */
async function note(
  db: TestDatabase,
  metadata: TakenOver = {},
  meanwhile: () => void = () => {},
  complete = true,
): Promise<{ moved: boolean; changed: string[] }> {
  const { replica, files } = await db.draft();
  assert(replica && backend.writeBack);
  meanwhile();
  const before = cells(db);
  const secured = files.flatMap(({ version }) =>
    version ? [{ uuid: version.uuid, version_id: version.version_id }] : []
  );
  const outcome = { state: replica.state, secured, complete, metadata };
  const { moved } = await backend.writeBack(db.config, { identifier: RABI, path: "" }, outcome);
  return { moved, changed: changedCells(before, cells(db)) };
}

Deno.test("what is on the platform is marked, once", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  assertEquals(await note(db), { moved: false, changed: marks([1], [1, 2, 3, 4]) });
  const before = treeListing(db.folder);
  assertEquals(await note(db), { moved: false, changed: [] });
  assertEquals(treeListing(db.folder), before);
});

Deno.test("of an incomplete dataset only the files are marked", async () => {
  using db = TestDatabase.copyOf("v0.3-done");
  assertEquals(await note(db, {}, () => {}, false), { moved: false, changed: marks([], [1, 2, 3, 4]) });
});

Deno.test("nothing is written when the dataset's row moved since it was read", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  const edit = () =>
    db.run("UPDATE datasets SET name = 'x', modified = '2026-01-01 00:00:00.000000' WHERE id = 1");
  assertEquals(await note(db, { name: "from the platform" }, edit), { moved: true, changed: [] });
  const remove = () => {
    db.run("UPDATE datasets SET uuid = 'ffffffffffffffffffffffffffffffff' WHERE id = 1");
  };
  assertEquals(await note(db, {}, remove), { moved: true, changed: [] });
});

Deno.test("a file whose row moved is not marked, nor its dataset; the others are", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  const edit = () => db.run("UPDATE files SET modified = '2026-01-01 00:00:00.000000' WHERE id = 2");
  assertEquals(await note(db, {}, edit), { moved: true, changed: marks([], [1, 3, 4]) });
  const reopen = () => db.run("UPDATE files SET status = 'writing' WHERE id = 2");
  assertEquals(await note(db, {}, reopen), { moved: true, changed: [] });
});

Deno.test("metadata are taken over, and the full-text index stays sound", async () => {
  using db = TestDatabase.copyOf("v0.3-done");
  const metadata = {
    name: "renamed",
    description: null,
    notes: "seen",
    ranking: 3,
    keywords: ["rabi", "β", 'quo"te'],
  };
  assertEquals(
    (await note(db, metadata)).changed,
    [
      "datasets/1/description: 3 files, json in two versions → null",
      String.raw`datasets/1/keywords: ["rabi", "fixture"] → ["rabi", "\u03b2", "quo\"te"]`,
      "datasets/1/name: own rabi scan → renamed",
      "datasets/1/notes: null → seen",
      "datasets/1/ranking: 0 → 3",
      ...marks([1], [1, 2, 3, 4]),
    ].sort(),
  );
  db.run("INSERT INTO datasets_fts (datasets_fts, rank) VALUES ('integrity-check', 1)");
  assertEquals(db.rows("SELECT rowid FROM datasets_fts WHERE datasets_fts MATCH 'rabi'"), [{ rowid: 1 }]);
});

Deno.test("attributes are shared rows: linked when they exist, made when not, removed with their last link", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  // Dataset 3 has sample=S2 and cooldown=7, dataset 1 sample=S1 and set-up; all in one scope.
  const { changed } = await note(
    db,
    { attributes: { sample: "S2", "set-up": null, gate: "P1" } },
    () => {},
    false,
  );
  const attributes = (id: number) =>
    db.rows(
      `SELECT a.key, a.value FROM ds_attr_link AS l JOIN dataset_attr AS a ON a.id = l.dataset_attr_id
       WHERE l.dataset_id = ${id} ORDER BY 1`,
    ).map((r) => `${r.key}=${r.value}`);
  assertEquals([attributes(1), attributes(3)], [["gate=P1", "sample=S2"], ["cooldown=7", "sample=S2"]]);
  assertEquals(
    db.rows("SELECT key, value, scope_id FROM dataset_attr ORDER BY key").map((r) => Object.values(r)),
    [
      ["cooldown", "7", 1],
      ["gate", "P1", 1],
      ["sample", "S2", 1],
    ],
  );
  const others = changed.filter((c) => !/^(files\/|ds_attr_link\/|dataset_attr\/)/.test(c));
  assertEquals(others, []);
});

Deno.test("another dataset's attribute stays when one link to it goes", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  await note(db, { attributes: { sample: "S2" } });
  await note(db, { attributes: { sample: null } });
  assertEquals(db.rows("SELECT value FROM dataset_attr WHERE key = 'sample'"), [{ value: "S2" }]);
});

Deno.test("a -wal that was there stays as it is, with what its owner wrote", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  {
    using other = db.open();
    other.exec(
      "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE users SET firstname = 'in the wal'",
    );
    for (const suffix of ["", "-wal", "-shm"]) {
      Deno.copyFileSync(db.path + suffix, `${db.path}.kept${suffix}`);
    }
  }
  // As after a crash of qdrive: the files are there, and nobody has them open.
  for (const suffix of ["", "-wal", "-shm"]) Deno.renameSync(`${db.path}.kept${suffix}`, db.path + suffix);
  const main = Deno.readFileSync(db.path);
  const { replica, files } = await db.draft();
  const secured = files.flatMap((f) =>
    f.version ? [{ uuid: f.version.uuid, version_id: f.version.version_id }] : []
  );
  assert(replica && backend.writeBack);
  const result = await backend.writeBack(db.config, { identifier: RABI, path: "" }, {
    state: replica.state,
    secured,
    complete: true,
    metadata: {},
  });
  assertEquals(result, { moved: false });
  assertEquals(Deno.readFileSync(db.path), main, "nothing was brought into the database");
  assertEquals([...Deno.readDirSync(`${db.folder}/sql`)].map((e) => e.name).sort(), [
    "etiket_db.sql",
    "etiket_db.sql-shm",
    "etiket_db.sql-wal",
  ]);
  assertEquals(db.rows("SELECT firstname FROM users"), [{ firstname: "in the wal" }]);
  assertEquals(db.rows("SELECT synchronized FROM datasets WHERE id = 1"), [{ synchronized: 1 }]);
});

Deno.test("the journal mode of a quiet WAL database stays, and no side file is left", async () => {
  using db = TestDatabase.copyOf("v0.2-done");
  db.run("PRAGMA journal_mode = WAL");
  assertEquals((await note(db)).changed, marks([1], [1, 2, 3, 4]));
  assertEquals([...Deno.readDirSync(`${db.folder}/sql`)].map((e) => e.name), ["etiket_db.sql"]);
});
