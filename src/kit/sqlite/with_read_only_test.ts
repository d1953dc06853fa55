import { DatabaseSync } from "node:sqlite";
import { basename, dirname, join } from "node:path";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../tests/assert.ts";
import { SyncError } from "../errors.ts";
import { statExact } from "../fingerprint.ts";
import { databaseState } from "./database_state.ts";
import { followDatabase } from "./follow_database.ts";
import { withReadOnly } from "./with_read_only.ts";

const WAL_CASE = new URL("../../../tests/fixtures/qcodes/wal_case", import.meta.url).pathname;

const CONFIG = new URL("../../../deno.json", import.meta.url).pathname;

/** Everything that a user could notice about a folder: names, sizes, times to the nanosecond, content. */
async function listing(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    const hash = await crypto.subtle.digest("SHA-256", Deno.readFileSync(path));
    const { size, mtime_ns, file_id } = statExact(path);
    lines.push(`${name} ${size} ${mtime_ns} ${file_id} ${new Uint8Array(hash).toHex()}`);
  }
  return lines.sort();
}

async function inFolder(test: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function copyFixture(folder: string, files = ["wal_only.db", "wal_only.db-wal", "wal_only.db-shm"]): string {
  for (const file of files) Deno.copyFileSync(join(WAL_CASE, file), join(folder, file));
  return join(folder, "wal_only.db");
}

function makeDatabase(path: string, mode: "wal" | "delete", rows = 10): void {
  using db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode=${mode}; CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); BEGIN`);
  for (let i = 0; i < rows; i++) db.prepare("INSERT INTO t (a, b) VALUES (?, ?)").run(i, -i);
  db.exec("COMMIT");
}

const countRuns = (path: string) => withReadOnly(path, (db) => db.get("SELECT count(*) AS n FROM runs")?.n);

Deno.test("rows that are only in the WAL are seen, and no file beside it changes", () =>
  inFolder(async (folder) => {
    const path = copyFixture(folder);
    const before = await listing(folder);
    assertEquals(await countRuns(path), 1);
    assertEquals(await withReadOnly(path, (db) => db.get('SELECT count(*) AS n FROM "results-1-1"')?.n), 25);
    assertEquals(await listing(folder), before);
  }));

Deno.test("a WAL without its -shm is read, and nothing is left anywhere", () =>
  inFolder(async (folder) => {
    const path = copyFixture(folder, ["wal_only.db", "wal_only.db-wal"]);
    const temp = await Deno.makeTempDir();
    const before = await listing(folder);
    assertEquals(await withReadOnly(path, (db) => db.get("SELECT count(*) AS n FROM runs")?.n, { temp }), 1);
    assertEquals(await listing(folder), before);
    assertEquals([...Deno.readDirSync(temp)], []);
    await Deno.remove(temp);
  }));

Deno.test("the WAL of a database is beside the file, not beside a link to it", () =>
  inFolder(async (folder) => {
    Deno.mkdirSync(join(folder, "data"));
    const path = copyFixture(join(folder, "data"));
    const link = join(folder, "link.db");
    Deno.symlinkSync(path, link);
    assertEquals(databaseState(link).wal, true);
    assertEquals(await countRuns(link), 1);
    using follower = await followDatabase(link);
    assertEquals(follower.read((db) => db.get("SELECT count(*) AS n FROM runs")?.n), 1);
  }));

Deno.test("a quiet database in WAL mode gets no side files", () =>
  inFolder(async (folder) => {
    const path = join(folder, "quiet.db");
    makeDatabase(path, "wal");
    const before = await listing(folder);
    assertEquals(before.length, 1);
    assertEquals(await withReadOnly(path, (db) => db.get("SELECT count(*) AS n FROM t")?.n), 10);
    assertEquals(await listing(folder), before);
  }));

for (
  const files of [["wal_only.db", "wal_only.db-wal", "wal_only.db-shm"], ["wal_only.db", "wal_only.db-wal"]]
) {
  Deno.test(`a user without write permission reads ${files.length} files`, {
    ignore: Deno.build.os === "windows",
  }, () =>
    inFolder(async (folder) => {
      const source = join(folder, "source");
      Deno.mkdirSync(source);
      copyFixture(source, files);
      const temp = join(folder, "temp");
      Deno.mkdirSync(temp);
      Deno.chmodSync(folder, 0o755);
      Deno.chmodSync(temp, 0o777);
      Deno.chmodSync(source, 0o555);
      for (const file of files) Deno.chmodSync(join(source, file), 0o444);
      const before = await listing(source);
      const script = `import { withReadOnly } from ${
        JSON.stringify(import.meta.resolve("./with_read_only.ts"))
      };
        let wrote = true;
        try { Deno.writeTextFileSync(${JSON.stringify(join(source, "x"))}, ""); } catch { wrote = false; }
        const n = await withReadOnly(${JSON.stringify(join(source, "wal_only.db"))},
          (db) => db.get("SELECT count(*) AS n FROM runs").n, { temp: ${JSON.stringify(temp)} });
        console.log(JSON.stringify({ wrote, n }));`;
      Deno.writeTextFileSync(join(temp, "main.ts"), script);
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", "--no-lock", "--config", CONFIG, "--node-modules-dir=manual"]
          .concat(join(temp, "main.ts")),
        env: { DENO_DIR: join(temp, "cache"), HOME: temp, DENO_NO_UPDATE_CHECK: "1" },
        cwd: temp,
        ...(Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {}),
      }).output();
      assertEquals(
        new TextDecoder().decode(stdout),
        '{"wrote":false,"n":1}\n',
        new TextDecoder().decode(stderr),
      );
      assertEquals(await listing(source), before);
      Deno.chmodSync(source, 0o755);
    }));
}

Deno.test("names with characters that mean something in a URI", () =>
  inFolder(async (folder) => {
    for (
      const name of ["a?b.db", "a#b.db", "a%20b.db", "a b&c=d.db", "µ-δ 多.db", "file:x.db", "a?mode=rwc.db"]
    ) {
      if (Deno.build.os === "windows" && /[?:]/.test(name)) continue;
      const path = join(folder, name);
      makeDatabase(join(folder, "plain.db"), "delete", name.length);
      Deno.renameSync(join(folder, "plain.db"), path);
      const before = await listing(folder);
      assertEquals(await withReadOnly(path, (db) => db.get("SELECT count(*) AS n FROM t")?.n), name.length);
      assertEquals(await listing(folder), before);
    }
  }));

Deno.test("64-bit integers are exact", () =>
  inFolder(async (folder) => {
    const path = join(folder, "big.db");
    makeDatabase(path, "delete", 0);
    using writer = new DatabaseSync(path);
    writer.prepare("INSERT INTO t (a, b) VALUES (?, ?)").run(9007199254740993n, 5);
    writer.prepare("INSERT INTO t (a, b) VALUES (?, ?)").run(7, 1.5);
    const rows = await withReadOnly(path, (db) =>
      db.all("SELECT a, b FROM t ORDER BY id").map((r) => [r.a, r.b]));
    assertEquals(rows, [[9007199254740993n, 5], [7, 1.5]]);
    const pages = await withReadOnly(path, (db) => [...db.pages("t", ["a", "b"], { pageRows: 1 })]);
    assertEquals(pages, [[[1, 9007199254740993n, 5]], [[2, 7, 1.5]]]);
  }));

Deno.test("a database in UTF-16 is read, too, but not followed", () =>
  inFolder(async (folder) => {
    const path = join(folder, "wide.db");
    using writer = new DatabaseSync(path);
    writer.exec(
      "PRAGMA encoding = 'UTF-16'; PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES ('µ-δ')",
    );
    const before = await listing(folder);
    assertEquals(await withReadOnly(path, (db) => db.get("SELECT a FROM t")?.a), "µ-δ");
    assertEquals(await listing(folder), before);
    using follower = await followDatabase(path);
    const error = assertThrows(() => follower.read((db) => db.tables()));
    assert(error instanceof SyncError && error.code === "sqlite_utf16", String(error));
  }));

Deno.test("a missing column is an error, not the text of its name", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x.db");
    makeDatabase(path, "delete");
    const error = await assertRejects(() => withReadOnly(path, (db) => [...db.pages("t", ["nothing"])]));
    assert(error instanceof SyncError && error.code === "sqlite_schema");
  }));

Deno.test("pages of large cells end at the size given, and hold every row once", () =>
  inFolder(async (folder) => {
    const path = join(folder, "blobs.db");
    makeDatabase(path, "delete", 0);
    {
      using writer = new DatabaseSync(path);
      for (let i = 0; i < 150; i++) {
        writer.prepare("INSERT INTO t (a) VALUES (?)").run(new Uint8Array(i < 130 ? 10 : 100_000));
      }
    }
    const pages = await withReadOnly(path, (db) => [...db.pages("t", ["a"], { pageBytes: 300_000 })]);
    assertEquals(pages.flat().map((row) => row[0]), Array.from({ length: 150 }, (_, i) => i + 1));
    assertEquals(pages.map((page) => page.length), [133, 3, 3, 3, 3, 3, 2]);
  }));

/** Starts a writer with timeout 0 that keeps a + b = 0 in every commit, until its stdin is closed. */
function startWriter(folder: string, path: string) {
  const script = join(folder, "writer.ts");
  Deno.writeTextFileSync(
    script,
    `import { DatabaseSync } from "node:sqlite";
    const db = new DatabaseSync(${JSON.stringify(path)}, { timeout: 0 });
    const insert = db.prepare("INSERT INTO t (a, b) VALUES (?, ?)");
    let stop = false, commits = 0;
    const errors = [];
    Deno.stdin.read(new Uint8Array(1)).then(() => stop = true);
    console.log("ready");
    while (!stop) {
      try {
        db.exec("BEGIN IMMEDIATE");
        for (let i = 0; i < 20; i++) insert.run(commits, -commits);
        db.exec("COMMIT");
        commits++;
      } catch (e) { errors.push(e.message); try { db.exec("ROLLBACK") } catch { /* none open */ } }
      await new Promise((r) => setTimeout(r, commits % 40 === 0 ? 150 : 1));
    }
    console.log(JSON.stringify({ commits, errors }));`,
  );
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-config", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

for (const mode of ["wal", "delete"] as const) {
  Deno.test(`a writer without patience feels nothing (journal mode ${mode})`, () =>
    inFolder(async (folder) => {
      const path = join(folder, "live.db");
      makeDatabase(path, mode);
      const keepWal = mode === "wal" ? new DatabaseSync(path) : null;
      keepWal?.prepare("SELECT count(*) FROM t").all();
      const writer = startWriter(folder, path);
      const output = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let said = (await output.read()).value ?? "";
      let reads = 0, largest = 0;
      for (let poll = 0; poll < 4000 || reads < 5; poll++) {
        databaseState(path);
        if (poll % 100 !== 0) continue;
        try {
          const row = await withReadOnly(
            path,
            (db) => db.get("SELECT count(*) AS n, sum(a + b) AS sum FROM t"),
          );
          assertEquals(row?.sum, 0, "half a transaction was read");
          assertEquals((Number(row?.n) - 10) % 20, 0, "half a transaction was read");
          assert(Number(row?.n) >= largest, "rows vanished");
          largest = Number(row?.n);
          reads++;
        } catch (e) {
          // A database that never rests may be refused, but only as busy.
          assert(e instanceof SyncError && e.class === "busy", String(e));
        }
      }
      await writer.stdin.close();
      for (let part = await output.read(); !part.done; part = await output.read()) said += part.value;
      await writer.status;
      const { commits, errors } = JSON.parse(said.replace("ready", ""));
      keepWal?.close();
      assert(commits > 20, `only ${commits} commits`);
      assertEquals(errors, []);
    }));
}

Deno.test("a long read of what is at rest is not disturbed by commits and checkpoints of other tables", () =>
  inFolder(async (folder) => {
    const path = join(folder, "busy.db");
    makeDatabase(path, "wal", 0);
    using writer = new DatabaseSync(path);
    writer.exec(`PRAGMA synchronous = off; PRAGMA wal_autocheckpoint = 0; CREATE TABLE other (a);
      INSERT INTO t (a, b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        SELECT i, printf('%0500d', i) FROM n;
      PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO other VALUES (1)`);
    let [reads, pages] = [0, 0];
    const sum = await withReadOnly(path, async (db) => {
      reads++;
      let sum = 0;
      for (const page of db.pages("t", ["a", "b"], { pageRows: 500 })) {
        for (const row of page) sum += Number(row[1]);
        for (let i = 0; i < 5; i++) writer.exec("INSERT INTO other VALUES (zeroblob(3000))");
        if (++pages % 3 === 0) writer.exec(`PRAGMA wal_checkpoint(${pages % 2 ? "PASSIVE" : "RESTART"})`);
        // As long as a real read takes to come so far.
        await new Promise((resume) => setTimeout(resume, 25));
      }
      return sum;
    });
    assertEquals([reads, sum], [1, 20_000 * 20_001 / 2]);
  }));

Deno.test("a hot journal is never rolled back in place, and the state before the crash is read", () =>
  inFolder(async (folder) => {
    const path = join(folder, "hot.db");
    makeDatabase(path, "delete", 3000);
    const script = join(folder, "crash.ts");
    Deno.writeTextFileSync(
      script,
      `import { DatabaseSync } from "node:sqlite";
      const db = new DatabaseSync(${JSON.stringify(path)});
      db.exec("PRAGMA cache_size=2; BEGIN; UPDATE t SET a = 'half written'");
      Deno.kill(Deno.pid, "SIGKILL");`,
    );
    await new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", "--no-config", script] })
      .output();
    Deno.removeSync(script);
    const before = await listing(folder);
    assertEquals(before.map((line) => line.split(" ")[0]), ["hot.db", "hot.db-journal"]);
    assertEquals(
      await withReadOnly(path, (db) => db.get("SELECT count(*) AS n FROM t WHERE a = 'half written'")?.n),
      0,
    );
    assertEquals(await listing(folder), before);
  }));

Deno.test("journals that belong to no transaction do not matter", () =>
  inFolder(async (folder) => {
    const path = join(folder, "persist.db");
    makeDatabase(path, "delete");
    using writer = new DatabaseSync(path);
    writer.exec("PRAGMA journal_mode=PERSIST; UPDATE t SET a = 5");
    assert(statExact(`${path}-journal`).size > 0);
    assertEquals(databaseState(path).journal, false);
    const before = await listing(folder);
    assertEquals(await withReadOnly(path, (db) => db.get("SELECT sum(a) AS n FROM t")?.n), 50);
    assertEquals(await listing(folder), before);
  }));

Deno.test("a read during which the database changed is repeated, in the end on a copy", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x.db");
    makeDatabase(path, "delete");
    let calls = 0;
    const rows = await withReadOnly(path, (db) => {
      if (++calls === 1) {
        using writer = new DatabaseSync(path);
        writer.exec("INSERT INTO t (a) VALUES (1)");
      }
      return db.get("SELECT count(*) AS n FROM t")?.n;
    });
    assertEquals([calls, rows], [2, 11]);

    // One that never rests is read from a copy in the end.
    let touched = 0;
    const seen = await withReadOnly(path, (db) => {
      const later = new Date(Date.now() - 100_000 - 1000 * ++touched);
      Deno.utimeSync(path, later, later);
      return db.get("SELECT count(*) AS n FROM t")?.n;
    }, { attempts: 3 });
    assertEquals([touched, seen], [3, 11]);
  }));

Deno.test("what is no database is named with its reason", () =>
  inFolder(async (folder) => {
    const path = join(folder, "x.db");
    makeDatabase(path, "delete", 2000);
    const good = Deno.readFileSync(path);
    const codeOf = async (bytes: Uint8Array) => {
      Deno.writeFileSync(path, bytes);
      const error = await assertRejects(() =>
        withReadOnly(path, (db) => db.all("SELECT sum(a) AS n FROM t"))
      );
      return error instanceof SyncError ? `${error.class} ${error.code}` : String(error);
    };
    assertEquals(
      await codeOf(new TextEncoder().encode("a,b\n1,2\n".repeat(100))),
      "data sqlite_not_a_database",
    );
    assertEquals(await codeOf(new Uint8Array(0)), "data sqlite_not_a_database");
    assertEquals(await codeOf(good.slice(0, 4096 * 2)), "data sqlite_corrupt");
    const damaged = good.slice();
    damaged.fill(0xa5, 4096);
    assertEquals(await codeOf(damaged), "data sqlite_corrupt");
    Deno.removeSync(path);
    const missing = await assertRejects(() => withReadOnly(path, () => 0));
    assert(missing instanceof SyncError && missing.code === "sqlite_missing" && missing.class === "source");
    const isFolder = await assertRejects(() => withReadOnly(folder, () => 0));
    assert(isFolder instanceof SyncError && isFolder.class === "source", basename(dirname(path)));
  }));
