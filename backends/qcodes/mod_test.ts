/** Dataset fields, discovery, configuration, and runs whose data are damaged or missing. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "../../tests/assert.ts";
import { netcdfContent } from "../../tests/netcdf_content.ts";
import { QcodesReader } from "../../tests/read_qcodes.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { discover } from "./discover.ts";
import { qcodesConfig } from "./config.ts";
import backend from "./mod.ts";

const FIXTURES = new URL("../../tests/fixtures/qcodes/", import.meta.url).pathname;
const DATABASE = `${FIXTURES}experiments.db`;

async function withCopy(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "experiments.db");
    await Deno.copyFile(DATABASE, path);
    await test(path, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function change(path: string, sql: string, ...params: (string | number | Uint8Array)[]): void {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.prepare(sql).run(...params);
}

Deno.test("dataset fields", async () => {
  using reader = new QcodesReader(DATABASE, {
    static_attributes: { fridge: "other", owner: { value: "me" }, m: { a: 1 } },
  });
  const { files, ...draft } = await reader.draft(8);
  assertEquals(draft, {
    name: "with metadata",
    alt_uid: "b00acc7c-0100-0002-0000-01a1fbe1bbc0",
    collected: "2026-11-21T02:13:57.315163+00:00",
    description: "database : experiments.db | run ID : 8 | GUID : b00acc7c-0100-0002-0000-01a1fbe1bbc0 | " +
      "exp name : tuneup\n\nsecond line goes to the description\nthird line",
    keywords: ["Source-drain current", "Plunger gate P1", "cooldown 4", "tune-up"],
    ranking: 0,
    attributes: {
      sample: "SQ21-164-3_chipA",
      "set-up": "fridge 1",
      fridge: "Triton",
      owner: "me",
      m: '{"a":1}',
      operator: "AB",
      run: 4,
    },
    state: "complete",
  });
  const [file] = files;
  assertEquals(files.length, 1);
  assertEquals([file?.name, file?.filename, file?.type, file?.file_generator], [
    "measurement",
    "measured_data.hdf5",
    "HDF5_NETCDF",
    "QCoDeS",
  ]);
  assertEquals([file?.staged, file?.created], [true, 1795227237315]);
});

Deno.test("star, cross, exception, unlabelled, unfinished and never started", async () => {
  using reader = new QcodesReader(DATABASE);
  assertEquals((await reader.draft(10)).ranking, 1);
  assertEquals((await reader.draft(11)).ranking, -1);
  assertMatch(String((await reader.draft(27)).attributes.measurement_exception), /VISA timeout/);
  assertEquals((await reader.draft(25)).keywords.toSorted(), ["x", "y"]);
  const unfinished = await reader.draft(28);
  assertEquals([unfinished.state, unfinished.files.length], ["incomplete", 1]);
  const pristine = await reader.read(29);
  assert("not_started" in pristine);
  assertStringIncludes(pristine.not_started, "run 29");
});

Deno.test("a run without start time is published once a row appears, at the time in its guid", () =>
  withCopy(async (path) => {
    change(path, "UPDATE runs SET run_timestamp = NULL WHERE run_id = 1");
    using reader = new QcodesReader(path);
    assertEquals((await reader.draft(1)).collected, "2026-11-21T02:13:57.255000+00:00");
  }));

Deno.test("a run kept in memory: the exported file beside the database, with the right guid", () =>
  withCopy(async (path, folder) => {
    using reader = new QcodesReader(path);
    const missing = await reader.draft(26);
    assertEquals([missing.files, missing.problems], [[], undefined]);
    assertEquals(missing.logs?.map((l) => l.code), ["in_memory_file_missing"]);

    const name = "qcodes_26_0b7d2f98-0100-0002-0000-01a1fbe1bead.nc";
    await Deno.copyFile(`${FIXTURES}qcodes_data/${name}`, join(folder, name));
    const beside = await reader.draft(26);
    assertEquals(beside.files.map((f) => [f.path, f.staged, f.name]), [[
      join(folder, name),
      false,
      "measurement",
    ]]);
    assertEquals(beside.logs, undefined);

    await Deno.copyFile(`${FIXTURES}expected/run_01.qcodes_export.nc`, join(folder, name));
    const other = await reader.draft(26);
    assertEquals(other.logs?.map((l) => l.code), ["in_memory_file_mismatch", "in_memory_file_missing"]);
    assertEquals(other.files, []);
  }));

Deno.test("discovery: newest first with scope, then only what is new, and changes in the fingerprint", () =>
  withCopy(async (path) => {
    using reader = new QcodesReader(path);
    const first = await reader.discoverAll();
    assertEquals(first.map((i) => i.identifier), Array.from({ length: 29 }, (_, i) => String(29 - i)));
    assertEquals(first.map((i) => i.priority), first.map((i) => Number(i.identifier)));
    assertEquals(first.at(-1)?.scope_identifier, "tuneup");
    using bySample = new QcodesReader(path, { scope_identifier_from: "sample" });
    assertEquals((await bySample.discoverAll()).at(-1)?.scope_identifier, "SQ21-164-3_chipA");

    const changed = async (sql: string) => {
      const before = new Map((await reader.discoverAll()).map((i) => [i.identifier, i.fingerprint]));
      change(path, sql);
      return (await reader.discoverAll()).filter((i) => before.get(i.identifier) !== i.fingerprint)
        .map((i) => i.identifier);
    };
    assertEquals(await changed("UPDATE runs SET inspectr_tag = 'star' WHERE run_id = 5"), ["5"]);
    assertEquals(await changed("UPDATE runs SET name = 'x' WHERE run_id = 6"), ["6"]);
    using db = new DatabaseSync(path);
    const table = db.prepare("SELECT result_table_name AS t FROM runs WHERE run_id = 28").get()?.t;
    assertEquals(await changed(`INSERT INTO "${table}" (id) VALUES (1000)`), ["28"]);
    assertEquals(await changed("UPDATE runs SET is_completed = 1 WHERE run_id = 28"), ["28"]);
    assertEquals(await changed("UPDATE runs SET run_timestamp = 5 WHERE run_id = 29"), ["29"]);
    assertEquals(await changed("UPDATE runs SET snapshot = 'large' WHERE run_id = 3"), []);
  }));

Deno.test("discovery of thousands of runs: pages, a small cursor, a sweep every ten minutes, no run missed", () =>
  withCopy(async (path) => {
    const add = (from: number, to: number) => {
      using db = new DatabaseSync(path);
      db.exec("BEGIN");
      const insert = db.prepare(
        "INSERT INTO runs (run_id, exp_id, name, is_completed) VALUES (?, 1, 'more', 1)",
      );
      for (let run = from; run <= to; run++) insert.run(run);
      db.exec("COMMIT");
    };
    add(30, 3000);
    const config = qcodesConfig({ database_path: path, set_up: "" });
    const range = (high: number, low: number) =>
      Array.from({ length: high - low + 1 }, (_, i) => String(high - i));
    const drain = async (since: unknown, now: number) => {
      const ids: string[] = [];
      let pages = 0;
      for (let more = true; more; pages++) {
        const page = await discover(config, since, now);
        assert(page.items.length <= 1000 && JSON.stringify(page.cursor).length < 150);
        ids.push(...page.items.map((i) => i.identifier));
        ({ cursor: since, more } = page);
      }
      return { ids, pages, cursor: since };
    };
    // While the first sweep runs, a new run comes.
    const start = await discover(config, undefined, 0);
    assertEquals([start.items[0]?.identifier, start.items.length, start.more], ["3000", 500, true]);
    add(3001, 3001);
    const rest = await drain(start.cursor, 1000);
    assertEquals(new Set([...start.items.map((i) => i.identifier), ...rest.ids]), new Set(range(3001, 1)));
    // Later calls look at the newest thousand only …
    const later = await drain(rest.cursor, 2000);
    assertEquals([later.ids, later.pages], [range(3001, 2002), 1]);
    // … unless more than those came at once …
    add(3002, 5000);
    const many = await drain(later.cursor, 3000);
    assertEquals(range(5000, 3002).filter((id) => !many.ids.includes(id)), []);
    // … or ten minutes passed.
    assertEquals(new Set((await drain(many.cursor, 600_000)).ids).size, 5000);
    // Another database in the same place begins anew.
    change(path, "DELETE FROM runs WHERE run_id > 20");
    assertEquals((await drain(many.cursor, 4000)).ids, range(20, 1));
  }));

Deno.test("configuration: every problem has its sentence", () =>
  withCopy(async (path, folder) => {
    const problemOf = async (name: string) =>
      (await backend.validate({ database_path: join(folder, name), set_up: "s" })).join();
    assertEquals(await problemOf("experiments.db"), "");
    assertMatch(await problemOf("none.db"), /none\.db does not exist$/);
    assertMatch(await problemOf(""), /is not a file$/);
    await Deno.copyFile(path, join(folder, "data.sqlite"));
    assertMatch(await problemOf("data.sqlite"), /suffix.*must be \.db$/);
    await Deno.writeTextFile(join(folder, "text.db"), "not a database".repeat(50));
    assertMatch(await problemOf("text.db"), /is not an SQLite database$/);
    change(join(folder, "other.db"), "CREATE TABLE t (a)");
    assertMatch(await problemOf("other.db"), /is not a QCoDeS database \(no table runs\)$/);
  }));

Deno.test("a damaged array is named with run, table, row and column; the dataset comes without file", () =>
  withCopy(async (path) => {
    change(path, 'UPDATE "results-1-4" SET s21_mag = ? WHERE id = 3', new Uint8Array([0x93, 0x4e, 1, 2, 3]));
    using reader = new QcodesReader(path);
    const draft = await reader.draft(4);
    assertEquals([draft.files, draft.name], [[], "VNA power sweep"]);
    assertEquals(draft.problems?.map((p) => [p.code, p.class]), [["qcodes_corrupt", "data"]]);
    assertMatch(
      draft.problems?.[0]?.message ?? "",
      /run 4, table "results-1-4", row 3, column "s21_mag": .*magic/,
    );
  }));

for (
  const [what, sql, column] of [
    ["text among numbers", `UPDATE "results-1-1" SET i_sd = 'broken' WHERE id = 7`, "i_sd"],
    ["bytes among numbers", `UPDATE "results-1-1" SET v_gate = x'0102' WHERE id = 7`, "v_gate"],
    [
      "a broken description",
      `UPDATE runs SET run_description = '{"version": 3' WHERE run_id = 1`,
      "run_description",
    ],
    [
      "a description of something else",
      `UPDATE runs SET run_description = '[]' WHERE run_id = 1`,
      "run_description",
    ],
  ] as const
) {
  Deno.test(`damage: ${what}`, () =>
    withCopy(async (path) => {
      change(path, sql);
      using reader = new QcodesReader(path);
      const draft = await reader.draft(1);
      assertEquals(draft.files, []);
      assertEquals(draft.problems?.map((p) => p.code), ["qcodes_corrupt"]);
      assertStringIncludes(draft.problems?.[0]?.message ?? "", `column "${column}"`);
    }));
}

Deno.test("a run that does not exist", async () => {
  using reader = new QcodesReader(DATABASE);
  const error = await assertRejects(() => reader.read(999));
  assert(error instanceof SyncError && error.code === "qcodes_run_missing");
});

Deno.test("rows that are only in the WAL reach the file", async () => {
  using reader = new QcodesReader(`${FIXTURES}wal_case/wal_only.db`);
  const { variables } = await netcdfContent(await reader.file(1));
  assertEquals(Math.max(...Object.values(variables).map((v) => v.values.length)), 25);
});

Deno.test("equal input gives equal bytes", async () => {
  using reader = new QcodesReader(DATABASE);
  for (const run of [3, 6, 13]) {
    assertEquals(await Deno.readFile(await reader.file(run)), await Deno.readFile(await reader.file(run)));
  }
});

Deno.test("measured numbers keep all digits, setpoints have 15", () =>
  withCopy(async (path) => {
    change(path, 'UPDATE "results-1-1" SET i_sd = ?, v_gate = ? WHERE id = 1', 1 / 3, 0.1 + 0.2);
    using reader = new QcodesReader(path);
    const { variables } = await netcdfContent(await reader.file(1));
    assertEquals(variables.i_sd?.values[0], 1 / 3);
    assertEquals(variables.v_gate?.values[0], 0.3);
    assertNotEquals(0.1 + 0.2, 0.3);
  }));
