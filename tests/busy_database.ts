/**
 * A program that changes an SQLite database at random, as fast as it can: `busy_database.ts PATH OPTIONS`, with
 * {@link BusyOptions} as JSON. In every commit the table `meta` says what the table `t` adds up to, so that a reader can
 * tell a committed state from a mixture. Ends when its input is closed, and prints its number of commits.
 */
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { Random } from "./faults/prng.ts";

const BusyOptionsSchema = z.object({
  seed: z.number(),
  /** Statements before the tables are made, such as `PRAGMA page_size`. */
  setup: z.string().default(""),
  /** Statements of the connection, such as its journal mode. */
  pragmas: z.string().default("PRAGMA journal_mode = wal"),
  /** Now and then one of these is run between two transactions. */
  between: z.array(z.string()).default([]),
  /** Pause after each commit, ms. */
  pause: z.number().default(0),
  /** Ends after so many commits. */
  commits: z.number().default(Number.MAX_SAFE_INTEGER),
});
export type BusyOptions = z.input<typeof BusyOptionsSchema>;

/** Reads a state and says what is wrong with it; SQL with one row of zeros for a good state, and its version. */
export const JUDGE = `SELECT version, rows - (SELECT count(*) FROM t) AS rows,
  sum - (SELECT coalesce(sum(value), 0) FROM t) AS sum,
  bytes - (SELECT coalesce(sum(length(pad)), 0) FROM t) AS bytes FROM meta`;

/** Makes the tables. */
export function prepareBusyDatabase(
  path: string,
  setup = "",
  pragmas = "PRAGMA journal_mode = wal",
): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 5000 });
  db.exec(`${setup}; ${pragmas}; PRAGMA synchronous = off;
    CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value INTEGER, pad BLOB);
    CREATE TABLE IF NOT EXISTS meta (version INTEGER, rows INTEGER, sum INTEGER, bytes INTEGER);
    INSERT INTO meta SELECT 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM meta)`);
  return db;
}

/** One transaction at random: rows are added, changed and removed; now and then it is rolled back. */
export function changeAtRandom(db: DatabaseSync, random: Random): void {
  db.exec("BEGIN IMMEDIATE");
  const most = 1 + random.below(random.below(10) === 0 ? 300 : 8);
  const insert = db.prepare("INSERT INTO t (value, pad) VALUES (?, zeroblob(?))");
  const update = db.prepare("UPDATE t SET value = ?, pad = zeroblob(?) WHERE id = ?");
  const last = Number(db.prepare("SELECT max(id) AS id FROM t").get()?.id ?? 0);
  for (let i = 0; i < most; i++) {
    const [value, pad] = [random.below(1000), random.below(random.below(20) === 0 ? 20_000 : 200)];
    if (random.below(3) === 0) insert.run(value, pad);
    else update.run(value, pad, 1 + random.below(last + 1));
  }
  if (random.below(30) === 0) db.exec(`DELETE FROM t WHERE id % 3 = ${random.below(3)} OR id > ${1500}`);
  if (random.below(20) === 0) return db.exec("ROLLBACK");
  db.exec(`UPDATE meta SET version = version + 1, rows = (SELECT count(*) FROM t),
    sum = (SELECT coalesce(sum(value), 0) FROM t), bytes = (SELECT coalesce(sum(length(pad)), 0) FROM t)`);
  db.exec("COMMIT");
}

if (import.meta.main) {
  const [path = "", text = "{}"] = Deno.args;
  const options = BusyOptionsSchema.parse(JSON.parse(text));
  const random = new Random(options.seed);
  const db = prepareBusyDatabase(path, options.setup, options.pragmas);
  let isOver = false;
  Deno.stdin.read(new Uint8Array(1)).then(() => isOver = true);
  console.log("ready");
  let commits = 0;
  while (!isOver && commits < options.commits) {
    changeAtRandom(db, random);
    commits++;
    if (options.between.length > 0 && random.below(10) === 0) db.exec(random.pick(options.between));
    await new Promise((resume) => setTimeout(resume, options.pause));
  }
  console.log(JSON.stringify({ commits }));
  Deno.exit();
}
