import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { assert, assertEquals, assertThrows } from "../../../tests/assert.ts";
import {
  type BusyOptions,
  changeAtRandom,
  JUDGE,
  prepareBusyDatabase,
} from "../../../tests/busy_database.ts";
import { Random } from "../../../tests/faults/prng.ts";
import { treeListing } from "../../../tests/tree_listing.ts";
import { SyncError } from "../errors.ts";
import { followDatabase } from "./follow_database.ts";
import type { ReadOnlyDatabase, Row } from "./read_only_database.ts";

const WRITER = new URL("../../../tests/busy_database.ts", import.meta.url).pathname;

async function inFolder(test: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(join(folder, "x.db"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A database with one table `t (id, a)` and its writer. */
function makeDatabase(path: string, mode: string, setup = ""): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`${setup}; PRAGMA journal_mode = ${mode}; PRAGMA synchronous = off;
    CREATE TABLE t (id INTEGER PRIMARY KEY, a)`);
  return db;
}

const values = (db: ReadOnlyDatabase) => db.all("SELECT a FROM t ORDER BY id").map((row) => row.a);

for (const mode of ["wal", "delete", "truncate", "persist"]) {
  Deno.test(`every commit shows as a change, and is read (journal mode ${mode})`, () =>
    inFolder(async (path) => {
      using writer = makeDatabase(path, mode);
      using follower = await followDatabase(path);
      const expected: number[] = [];
      assertEquals(follower.changed(), true);
      for (let i = 0; i < 100; i++) {
        writer.prepare("INSERT INTO t (a) VALUES (?)").run(i);
        expected.push(i);
        if (i === 50) writer.exec("ALTER TABLE t ADD COLUMN b DEFAULT 7");
        if (i === 60 && mode === "wal") writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
        assertEquals(follower.changed(), true, `commit ${i}`);
        assertEquals(follower.read(values), expected);
      }
      assertEquals(follower.read((db) => db.get("SELECT sum(b) AS n FROM t")?.n), 700);
      assertEquals(follower.changed(), false);
    }));
}

Deno.test("what a look costs is what is new", () =>
  inFolder(async (path) => {
    using writer = makeDatabase(path, "wal");
    writer.exec(`INSERT INTO t (a) WITH RECURSIVE n(i) AS
      (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT printf('%050d', i) FROM n`);
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    using follower = await followDatabase(path);
    let last = 0;
    const look = () =>
      follower.read((db) => {
        const rows = db.all("SELECT id FROM t WHERE id > ? ORDER BY id", last);
        return rows.length === 0 ? last : Number(rows.at(-1)?.id);
      });
    last = look();
    const atFirst = follower.bytesRead;
    writer.exec("PRAGMA wal_autocheckpoint = 0");
    for (let i = 0; i < 500; i++) {
      writer.exec("BEGIN");
      for (let k = 0; k < 20; k++) writer.prepare("INSERT INTO t (a) VALUES (?)").run("x".repeat(200));
      writer.exec("COMMIT");
      assertEquals(look(), last + 20);
      last += 20;
    }
    const perByte = (follower.bytesRead - atFirst) / Deno.statSync(`${path}-wal`).size;
    assert(perByte < 1.2, `${perByte} bytes read for each that was written`);
  }));

/** What {@link JUDGE} says of a committed state, but for its version. */
const GOOD: Row = { version: 0, rows: 0, sum: 0, bytes: 0 };
const CHECKPOINTS = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"].map((how) => `PRAGMA wal_checkpoint(${how})`);
const BUSY: Record<string, Omit<BusyOptions, "seed">> = {
  "checkpoints all the time": {
    pragmas: "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 20",
    between: [...CHECKPOINTS, "VACUUM"],
  },
  "small pages, transactions larger than its memory": {
    setup: "PRAGMA page_size = 512; PRAGMA auto_vacuum = 1",
    pragmas: "PRAGMA journal_mode = wal; PRAGMA cache_size = 3; PRAGMA wal_autocheckpoint = 200",
  },
  "nobody else may use it": {
    pragmas: "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 30",
    between: CHECKPOINTS,
  },
  "its journal mode changes": {
    between: ["PRAGMA journal_mode = delete", "PRAGMA journal_mode = wal", "VACUUM"],
  },
  "it is in rollback mode": { pragmas: "PRAGMA journal_mode = delete; PRAGMA cache_size = 3" },
};
let seed = 0;
for (const [what, options] of Object.entries(BUSY)) {
  Deno.test(`only committed states are seen, and none after a later one: ${what}`, () =>
    inFolder(async (path) => {
      prepareBusyDatabase(path, options.setup).close();
      const writer = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", WRITER, path, JSON.stringify({ ...options, seed: ++seed })],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const output = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
      await output.read();
      using follower = await followDatabase(path);
      let [version, states] = [-1, 0];
      while (states < 60) {
        try {
          const [state, check] = follower.read((db) => [
            db.get(JUDGE),
            states % 10 === 0 ? db.get("PRAGMA integrity_check")?.integrity_check : "ok",
          ]);
          const now = Number(state?.version);
          assertEquals<Row>({ ...state, version: 0 }, GOOD);
          assertEquals(check, "ok");
          assert(now >= version, `state ${now} after ${version}`);
          if (now > version) states++;
          version = now;
        } catch (e) {
          // A database that never rests may be refused, but only as busy.
          assert(e instanceof SyncError && e.class === "busy", String(e));
        }
      }
      await writer.stdin.close();
      let said = "";
      for (let part = await output.read(); !part.done; part = await output.read()) said += part.value;
      assertEquals((await writer.status).success, true, said);
      assertEquals(follower.read((db) => db.get(JUDGE))?.rows, 0);
    }));
}

Deno.test("pages beyond 2 GiB are read, and only those that are needed", () =>
  inFolder(async (path) => {
    makeDatabase(path, "wal").close();
    const size = 3 * 2 ** 30;
    // The database says that it is that large; what is between belongs to no table.
    {
      using file = Deno.openSync(path, { write: true });
      file.truncateSync(size);
      file.seekSync(28, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(Uint32Array.of(size / 4096).buffer).reverse());
    }
    using writer = new DatabaseSync(path);
    const add = () =>
      writer.exec(`INSERT INTO t (a) WITH RECURSIVE n(i) AS
      (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT printf('%0100d', i) FROM n`);
    add();
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    add();
    using follower = await followDatabase(path);
    const seen = follower.read((db) =>
      db.get("SELECT count(*) AS n, max(a) AS a, sum(length(a)) AS b FROM t")
    );
    assertEquals({ ...seen }, { n: 600, a: "300".padStart(100, "0"), b: 60_000 });
    assert(follower.bytesRead < 1_000_000, `${follower.bytesRead} bytes`);
  }));

Deno.test("a follower leaves nothing behind, and goes on when the database is replaced", () =>
  inFolder(async (path) => {
    const writer = makeDatabase(path, "wal");
    writer.exec("INSERT INTO t (a) VALUES (1)");
    using follower = await followDatabase(path);
    const before = treeListing(join(path, ".."));
    assertEquals(follower.read(values), [1]);
    assertEquals(follower.changed(), false);
    assertEquals(treeListing(join(path, "..")), before);
    writer.close();
    assertEquals(follower.read(values), [1]);
    using other = makeDatabase(`${path}.new`, "delete");
    other.exec("INSERT INTO t (a) VALUES (5), (6)");
    Deno.renameSync(`${path}.new`, path);
    assertEquals(follower.changed(), true);
    assertEquals(follower.read(values), [5, 6]);
    Deno.removeSync(path);
    assertEquals(follower.changed(), true);
    const error = assertThrows(() => follower.read(values));
    assert(error instanceof SyncError && error.code === "sqlite_missing", String(error));
  }));

Deno.test("what `use` throws reaches the caller, and the next read is none the worse", () =>
  inFolder(async (path) => {
    using writer = makeDatabase(path, "wal");
    writer.exec("INSERT INTO t (a) VALUES (9007199254740993), ('µ'), (x'00ff'), (NULL), (1.5)");
    using follower = await followDatabase(path);
    const error = assertThrows(() => follower.read((db) => db.all("SELECT missing FROM t")));
    assert(error instanceof SyncError && error.code === "sqlite_schema", String(error));
    assertEquals(follower.read(values), [9007199254740993n, "µ", new Uint8Array([0, 255]), null, 1.5]);
  }));

Deno.test("a large transaction is read once when it is committed, not again and again until then", () =>
  inFolder(async (path) => {
    using writer = makeDatabase(path, "wal");
    writer.exec("INSERT INTO t (a) VALUES (1); PRAGMA cache_size = 10; BEGIN");
    using follower = await followDatabase(path);
    const count = (db: ReadOnlyDatabase) => db.get("SELECT count(*) AS n FROM t")?.n;
    for (let i = 0; i < 40; i++) {
      writer.exec("INSERT INTO t (a) VALUES (zeroblob(200000))");
      assertEquals(follower.read(count), 1);
    }
    const size = Deno.statSync(`${path}-wal`).size;
    assert(size > 6_000_000, `${size} bytes were spilled`);
    assert(follower.bytesRead < size, `${follower.bytesRead} bytes read`);
    writer.exec("COMMIT");
    assertEquals(follower.read(count), 41);
    assert(follower.bytesRead < 2.5 * size, `${follower.bytesRead} bytes read`);
  }));

Deno.test("rows that were left half read do not hold on to their state", () =>
  inFolder(async (path) => {
    using writer = makeDatabase(path, "wal");
    for (let i = 0; i < 2000; i++) writer.exec("INSERT INTO t (a) VALUES (zeroblob(1000))");
    using follower = await followDatabase(path);
    const first = (db: ReadOnlyDatabase) => db.pages("t", ["a"], { pageBytes: 5000 }).next().value?.length;
    assertEquals(follower.read(first), 5);
    writer.exec("DELETE FROM t; INSERT INTO t (a) VALUES (1)");
    assertEquals(follower.read(first), 1);
    assertEquals(follower.read(values), [1]);
  }));

Deno.test("a state that was lost under a read is read again", () =>
  inFolder(async (path) => {
    using writer = prepareBusyDatabase(path, "PRAGMA page_size = 512");
    const random = new Random(5);
    for (let i = 0; i < 200; i++) changeAtRandom(writer, random);
    writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    using follower = await followDatabase(path);
    let tries = 0;
    const version = follower.read((db) => {
      if (++tries === 1) {
        db.get("SELECT max(id) FROM t");
        for (let i = 0; i < 50; i++) changeAtRandom(writer, random);
        writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      }
      const state = db.get(JUDGE);
      if (tries > 1) assertEquals<Row>({ ...state, version: 0 }, GOOD);
      return state?.version;
    });
    assert(tries > 1);
    assertEquals(version, Number(writer.prepare("SELECT version FROM meta").get()?.version));
  }));
