/** A database whose writers are killed again and again is read as SQLite recovers it, and never goes back. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SyncError } from "../../src/kit/errors.ts";
import { followDatabase } from "../../src/kit/sqlite/follow_database.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { assert, assertEquals } from "../assert.ts";
import { type BusyOptions, JUDGE, prepareBusyDatabase } from "../busy_database.ts";
import { Random } from "./prng.ts";

const WRITER = new URL("../busy_database.ts", import.meta.url).pathname;
const KILLS = Number(Deno.env.get("SQLITE_KILLS") ?? 12);
const CHECKPOINTS = ["PASSIVE", "RESTART", "TRUNCATE"].map((how) => `PRAGMA wal_checkpoint(${how})`);
const WRITERS: Omit<BusyOptions, "seed">[] = [
  { pragmas: "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 30", between: CHECKPOINTS },
  { pragmas: "PRAGMA journal_mode = wal; PRAGMA cache_size = 2; PRAGMA wal_autocheckpoint = 500" },
  { pragmas: "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal", between: CHECKPOINTS },
  { pragmas: "PRAGMA journal_mode = delete; PRAGMA cache_size = 2" },
  { pragmas: "PRAGMA journal_mode = persist; PRAGMA cache_size = 2", between: ["VACUUM"] },
];

/** What SQLite makes of the files as they are. */
function recovered(path: string, folder: string): unknown {
  const copy = join(folder, "copy.db");
  for (const suffix of ["", "-wal", "-journal"]) {
    try {
      Deno.copyFileSync(path + suffix, copy + suffix);
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
  }
  try {
    using db = new DatabaseSync(copy);
    return { ...db.prepare(JUDGE).get() };
  } finally {
    for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(join(folder, name));
  }
}

Deno.test(`${KILLS} writers of a database are killed while it is followed`, async () => {
  const [folder, private_] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  const path = join(folder, "x.db");
  const random = new Random(7);
  prepareBusyDatabase(path).close();
  using follower = await followDatabase(path);
  let version = 0;
  let reads = 0;
  const look = () => {
    try {
      const state = follower.read((db) => db.get(JUDGE));
      assertEquals([state?.rows, state?.sum, state?.bytes], [0, 0, 0]);
      assert(Number(state?.version) >= version, `state ${state?.version} after ${version}`);
      version = Number(state?.version);
      reads++;
    } catch (e) {
      // A database that never rests may be refused, but only as busy.
      assert(e instanceof SyncError && e.class === "busy", String(e));
    }
  };
  for (let kill = 0; kill < KILLS; kill++) {
    const options = { ...WRITERS[kill % WRITERS.length], seed: kill };
    const writer = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", WRITER, path, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = writer.stdout.getReader();
    await output.read();
    const until = reads + 5 + random.below(40);
    while (reads < until) {
      look();
      await new Promise((resume) => setTimeout(resume, random.below(5)));
    }
    writer.kill("SIGKILL");
    await writer.status;
    await output.cancel();
    await writer.stdin.close().catch(() => {});

    const expected = recovered(path, private_);
    const names = [...Deno.readDirSync(folder)].map((e) => e.name).sort();
    look();
    assertEquals<unknown>({ ...follower.read((db) => db.get(JUDGE)) }, expected, JSON.stringify(options));
    assertEquals<unknown>({ ...await withReadOnly(path, (db) => db.get(JUDGE)) }, expected);
    assertEquals([...Deno.readDirSync(folder)].map((e) => e.name).sort(), names);
  }
  assert(version > KILLS, `only ${version} commits`);
  for (const dir of [folder, private_]) await Deno.remove(dir, { recursive: true });
});
