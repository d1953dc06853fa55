/** Datasets whose file qdrive is writing. */
import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { LiveReplay } from "../../tests/live_replay.ts";
import type { LiveAnswer } from "../../src/kit/live.ts";
import backend from "./mod.ts";
import { RABI, RABI_ROW, TestDatabase } from "./testing.ts";

async function live(db: TestDatabase, identifier = RABI): Promise<LiveAnswer> {
  return await backend.live(db.config, { identifier, path: "" });
}

async function session(db: TestDatabase) {
  const answer = await live(db);
  assert("session" in answer, JSON.stringify(answer));
  return answer.session;
}

/** A database in which one file of Rabi is being written, and that file. */
function writing(): { db: TestDatabase; path: string } {
  const db = TestDatabase.copyOf("v0.3-live");
  const path = join(db.folder, "measurement.hdf5");
  Deno.writeTextFileSync(path, "growing");
  db.run("UPDATE files SET synchronized = 1 WHERE status = 'writing'");
  db.run(
    "UPDATE files SET status = 'writing', synchronized = 0, type = 'HDF5_NETCDF', local_path = ? WHERE id = " +
      `(SELECT min(id) FROM files WHERE dataset_id = ${RABI_ROW})`,
    path,
  );
  return { db, path };
}

Deno.test("a file that is being written is listed with its path until its row is complete", async () => {
  const { db, path } = writing();
  using _db = db;
  const items = (await backend.discover(db.config, undefined)).items;
  assertEquals(items.filter((i) => i.running).map((i) => i.identifier), [RABI]);
  const following = await session(db);
  const replay = await new LiveReplay().drain(following);
  assertEquals([replay.structure.attrs.live_file, replay.structure.variables], [path, []]);
  assertEquals(await following.look(), { changes: [] });
  Deno.writeTextFileSync(path, "growing more");
  assertEquals(await following.look(), { changes: [], alive: true });
  db.run("UPDATE datasets SET name = 'another name' WHERE id = ?", RABI_ROW);
  await replay.drain(following);
  assertEquals([replay.epochs, replay.end], [1, undefined]);
  db.run("UPDATE files SET status = 'complete' WHERE status = 'writing'");
  await replay.drain(following);
  assertEquals([replay.end?.reason, replay.end?.complete], ["completed", true]);
  await following.close();
});

Deno.test("a further version is a new epoch", async () => {
  const { db, path } = writing();
  using _db = db;
  const following = await session(db);
  const replay = await new LiveReplay().drain(following);
  const next = `${path}.2.hdf5`;
  Deno.writeTextFileSync(next, "");
  db.run(
    "UPDATE files SET status = 'writing', synchronized = 0, type = 'HDF5_NETCDF', local_path = ? WHERE id = " +
      `(SELECT max(id) FROM files WHERE dataset_id = ${RABI_ROW})`,
    next,
  );
  await replay.drain(following);
  assertEquals([replay.epochs, replay.structure.attrs.live_file], [2, next]);
  await following.close();
});

Deno.test("a file, a row or a dataset that goes is lost", async () => {
  const ways: Record<string, (db: TestDatabase, path: string) => void> = {
    "does not exist": (_db, path) => Deno.removeSync(path),
    "is unavailable": (db) => db.run("UPDATE files SET status = 'unavailable' WHERE status = 'writing'"),
    "row of the file is gone": (db) => db.run("DELETE FROM files WHERE status = 'writing'"),
  };
  for (const [evidence, change] of Object.entries(ways)) {
    const { db, path } = writing();
    using _db = db;
    const following = await session(db);
    const replay = await new LiveReplay().drain(following);
    change(db, path);
    await replay.drain(following);
    assertEquals([replay.end?.reason, replay.end?.complete], ["lost", false]);
    assertMatch(replay.end?.evidence ?? "", new RegExp(evidence));
    await following.close();
  }
});

Deno.test("what is complete, a cache or without its file is not live", async () => {
  using done = TestDatabase.copyOf("v0.3-done");
  assert("not_live" in await live(done));
  assertEquals((await backend.discover(done.config, undefined)).items.filter((i) => i.running), []);
  const { db, path } = writing();
  using _db = db;
  db.run("UPDATE files SET type = 'HDF5_CACHE' WHERE status = 'writing'");
  assert("not_live" in await live(db));
  db.run("UPDATE files SET type = 'HDF5' WHERE status = 'writing'");
  Deno.removeSync(path);
  const answer = await live(db);
  assert("not_live" in answer);
  assertMatch(answer.not_live, /does not exist/);
});
