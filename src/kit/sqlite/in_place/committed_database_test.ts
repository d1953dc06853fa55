/** When a state that is being read still holds, step by step. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { assertEquals, assertThrows } from "../../../../tests/assert.ts";
import { CommittedDatabase } from "./committed_database.ts";

const PAGE = 4096;

/**
 * A database of tables `a` and `b`, each with one row a page, and what a reader that keeps nothing makes of it. The file
 * is old enough for its time to tell a change.
 */
async function withDatabase(
  mode: string,
  test: (writer: DatabaseSync, source: CommittedDatabase, pageOf: (table: string) => Uint8Array) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "x.db");
  {
    using writer = new DatabaseSync(path);
    writer.exec(`PRAGMA journal_mode = ${mode}; PRAGMA synchronous = off; PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = 1; CREATE TABLE a (x); CREATE TABLE b (x)`);
    for (const table of ["a", "b"]) {
      for (let i = 0; i < 20; i++) writer.exec(`INSERT INTO ${table} VALUES (zeroblob(3000))`);
    }
    if (mode === "wal") writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    Deno.utimeSync(path, 1e9, 1e9);
    using source = new CommittedDatabase(path, 0);
    const pageOf = (table: string) => {
      const page = writer.prepare("SELECT rootpage FROM sqlite_master WHERE name = ?").get(table)?.rootpage;
      const bytes = new Uint8Array(PAGE);
      source.read(bytes, (Number(page) - 1) * PAGE);
      return bytes;
    };
    test(writer, source, pageOf);
  }
  await Deno.remove(folder, { recursive: true });
}

const change = (table: string) => `UPDATE ${table} SET x = randomblob(3000)`;
/** Changes the root page of a table. */
const grow = (table: string) =>
  `INSERT INTO ${table} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
   SELECT zeroblob(3000) FROM n`;

for (const [table, holds] of [["a", true], ["b", false]] as const) {
  Deno.test(`a checkpoint of newer frames matters only for pages that were read (${table})`, () =>
    withDatabase("wal", (writer, source, pageOf) => {
      writer.exec("INSERT INTO a VALUES (1)");
      source.begin();
      writer.exec(`${grow("b")}; PRAGMA wal_checkpoint(PASSIVE)`);
      pageOf(table);
      assertEquals(source.holds(), holds);
    }));
}

Deno.test("a page whose newer frame is not in the database yet is what it was", () =>
  withDatabase("wal", (writer, source, pageOf) => {
    writer.exec("INSERT INTO a VALUES (1)");
    source.begin();
    pageOf("b");
    writer.exec(grow("b"));
    assertEquals(source.holds(), true);
  }));

Deno.test("frames that were read are good as long as their log is", () =>
  withDatabase("wal", (writer, source, pageOf) => {
    const restart = () => writer.exec(`PRAGMA wal_checkpoint(RESTART); ${grow("b")}`);
    writer.exec(grow("a"));
    source.begin();
    pageOf("a");
    assertEquals(source.holds(), true);
    restart();
    // What was checked before the log began again stays good, and what comes after it is not to be had.
    assertEquals(source.holds(), true);
    assertThrows(() => pageOf("a"));

    writer.exec(grow("a"));
    source.begin();
    pageOf("a");
    restart();
    assertEquals(source.holds(), false);
  }));

Deno.test("a log that began again is followed while its frames last", () =>
  withDatabase("wal", (writer, source, pageOf) => {
    writer.exec(`${grow("a")}; INSERT INTO a VALUES (1)`);
    source.begin();
    // Frames that the reader has not seen when they go into the database.
    writer.exec(`${change("a")}; PRAGMA wal_checkpoint(RESTART); INSERT INTO a VALUES (1)`);
    pageOf("b");
    assertEquals(source.holds(), true);

    source.begin();
    writer.exec(`${grow("b")}; PRAGMA wal_checkpoint(RESTART); INSERT INTO a VALUES (1)`);
    pageOf("b");
    assertEquals(source.holds(), false);

    // Twice: nobody knows what was in between, whether much or little of the log was overwritten.
    writer.exec(grow("a"));
    source.begin();
    for (const table of ["b", "a"]) {
      writer.exec(`PRAGMA wal_checkpoint(RESTART); INSERT INTO ${table} VALUES (zeroblob(3000))`);
    }
    pageOf("b");
    assertEquals(source.holds(), false);

    source.begin();
    for (let i = 0; i < 2; i++) writer.exec(`${change("a")}; PRAGMA wal_checkpoint(RESTART)`);
    writer.exec(change("a"));
    pageOf("b");
    assertEquals(source.holds(), false);
  }));

Deno.test("pages that an open transaction overwrites while they are read are noticed", () =>
  withDatabase("delete", (writer, source, pageOf) => {
    const pages = { a: () => pageOf("a"), b: () => pageOf("b") };
    for (const [table, holds] of [["a", true], ["b", false]] as const) {
      const read = pages[table];
      source.begin();
      read();
      source.end();
      writer.exec(`BEGIN; ${change("a")}`);
      assertEquals(source.begin(), true);
      read();
      writer.exec(`${grow("b")}; ${change("b")}`);
      assertEquals(source.holds(), holds, `table ${table}`);
      writer.exec("ROLLBACK");
    }
  }));

Deno.test("what is committed in rollback mode while it is read is noticed", () =>
  withDatabase("delete", (writer, source, pageOf) => {
    source.begin();
    pageOf("a");
    assertEquals(source.holds(), true);
    writer.exec("INSERT INTO b VALUES (1)");
    assertEquals(source.holds(), false);
    source.begin();
    pageOf("a");
    writer.exec("BEGIN; INSERT INTO b VALUES (1)");
    assertEquals(source.holds(), false);
    writer.exec("ROLLBACK");
  }));
