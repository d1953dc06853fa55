/** A log whose writer died means the same here as to SQLite itself when it recovers a copy. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { assert, assertEquals } from "../../../../tests/assert.ts";
import { changeAtRandom, prepareBusyDatabase } from "../../../../tests/busy_database.ts";
import { Random } from "../../../../tests/faults/prng.ts";
import { followDatabase } from "../follow_database.ts";
import { withReadOnly } from "../with_read_only.ts";

const CONTENT = "SELECT 1 AS k, version, rows, sum, bytes FROM meta " +
  "UNION ALL SELECT 2, id, value, length(pad), 0 FROM t ORDER BY 1, 2";

/** A database with a log of several generations, as files in memory. */
function makeFiles(folder: string, random: Random, setup: string): Record<string, Uint8Array<ArrayBuffer>> {
  const path = join(folder, "made.db");
  const db = prepareBusyDatabase(path, setup, "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 60");
  const change = (times: number) => {
    for (let i = 0; i < times; i++) changeAtRandom(db, random);
  };
  change(40);
  // The next generation is shorter, so that frames of this one are left behind it.
  db.exec("PRAGMA wal_checkpoint(RESTART)");
  change(1 + random.below(12));
  const files = Object.fromEntries(["", "-wal", "-shm"].map((s) => [s, Deno.readFileSync(path + s)]));
  db.close();
  Deno.removeSync(path);
  return files;
}

/** What may befall a log. */
const HARM: Record<string, (log: Uint8Array<ArrayBuffer>, random: Random) => Uint8Array<ArrayBuffer>> = {
  "nothing": (log) => log,
  "it is cut anywhere": (log, random) => log.slice(0, random.below(log.length)),
  "one of its bytes is wrong": (log, random) => {
    log[random.below(log.length)]! ^= 1 + random.below(255);
    return log;
  },
  "its end is noise": (log, random) => {
    log.set(random.bytes(5000), log.length - 5000);
    return log;
  },
  "its header is wrong": (log, random) => {
    log[random.below(32)]! ^= 1 + random.below(255);
    return log;
  },
  "it is empty": () => new Uint8Array(0),
};

for (const [size, vacuum] of [[512, 0], [1024, 2], [4096, 0], [8192, 1], [65536, 0]] as const) {
  Deno.test(`what SQLite recovers of a log is read (pages of ${size}, auto_vacuum ${vacuum})`, async () => {
    const folder = await Deno.makeTempDir();
    const random = new Random(size + vacuum);
    const path = join(folder, "left.db");
    const copy = join(folder, "copy.db");
    for (const [what, harm] of Object.entries(HARM)) {
      const files = makeFiles(folder, random, `PRAGMA page_size = ${size}; PRAGMA auto_vacuum = ${vacuum}`);
      const log = harm(files["-wal"]!.slice(), random);
      for (const [target, suffixes] of [[path, ["", "-shm"]], [copy, [""]]] as const) {
        for (const suffix of suffixes) Deno.writeFileSync(target + suffix, files[suffix]!);
        Deno.writeFileSync(`${target}-wal`, log);
      }
      if (random.below(2) === 0) Deno.removeSync(`${path}-shm`);
      let expected: unknown;
      {
        using db = new DatabaseSync(copy);
        expected = db.prepare(CONTENT).all();
        assertEquals(db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
      }
      const found = await withReadOnly(path, (db) => {
        assertEquals(db.get("PRAGMA integrity_check")?.integrity_check, "ok", what);
        return db.all(CONTENT);
      });
      assert(found.length > 1);
      assertEquals(found.map((r) => ({ ...r })), (expected as object[]).map((r) => ({ ...r })), what);
    }
    await Deno.remove(folder, { recursive: true });
  });
}

/** Leaves a transaction open that is larger than its memory: some of it is in the database already. */
function changeHalfway(db: DatabaseSync): void {
  db.exec(
    `PRAGMA cache_size = 2; BEGIN; UPDATE t SET value = -1, pad = zeroblob(300); DELETE FROM t WHERE id % 7 = 0;
    INSERT INTO t (value) SELECT value FROM t; UPDATE meta SET version = version + 1`,
  );
}

for (const mode of ["delete", "persist", "truncate"]) {
  for (const [size, synchronous] of [[512, "full"], [4096, "off"], [65536, "normal"]] as const) {
    Deno.test(`an open transaction is not seen, and a broken one neither (${mode}, ${size}, ${synchronous})`, async () => {
      const folder = await Deno.makeTempDir();
      const [path, left, copy] = ["live.db", "left.db", "copy.db"].map((name) => join(folder, name));
      const writer = prepareBusyDatabase(
        path!,
        `PRAGMA page_size = ${size}`,
        `PRAGMA journal_mode = ${mode}`,
      );
      const random = new Random(size);
      for (let i = 0; i < 60; i++) changeAtRandom(writer, random);
      const expected = writer.prepare(CONTENT).all().map((row) => ({ ...row }));
      using follower = await followDatabase(path!);
      const read = () => follower.read((db) => db.all(CONTENT)).map((row) => ({ ...row }));
      assertEquals(read(), expected);
      writer.exec(`PRAGMA synchronous = ${synchronous}`);
      changeHalfway(writer);
      assertEquals<unknown>(read(), expected);

      // The same files, as a writer that died leaves them, with some damage to the end of the journal.
      for (const cut of [0, 1, 5000]) {
        const journal = Deno.readFileSync(`${path}-journal`);
        for (const target of [left, copy]) {
          Deno.copyFileSync(path!, target!);
          Deno.writeFileSync(`${target}-journal`, journal.subarray(0, journal.length - cut));
        }
        let recovered: unknown;
        {
          using db = new DatabaseSync(copy!);
          recovered = db.prepare(cut === 0 ? CONTENT : "PRAGMA integrity_check").all().map((row) => ({
            ...row,
          }));
        }
        const found = await withReadOnly(
          left!,
          (db) => db.all(cut === 0 ? CONTENT : "PRAGMA integrity_check"),
        );
        assertEquals<unknown>(found.map((row) => ({ ...row })), recovered, `cut by ${cut}`);
      }
      writer.exec("ROLLBACK");
      assertEquals<unknown>(read(), expected);
      writer.close();
      await Deno.remove(folder, { recursive: true });
    });
  }
}
