import { z } from "zod";
import { assert, assertEquals } from "../../../tests/assert.ts";
import { Database } from "./database.ts";

const Name = z.object({ name: z.string() }).transform((row) => row.name);

const insert = (db: Database, name: string, value = "") =>
  db.write("durable", () => db.run("INSERT INTO settings VALUES (?, ?)", name, value));
const names = (db: Database) => db.all(Name, "SELECT name FROM settings ORDER BY name");

async function withDatabase(test: (db: Database, path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hub_database_" });
  const db = new Database(`${folder}/hub.sqlite`);
  try {
    await test(db, `${folder}/hub.sqlite`);
  } finally {
    db.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("transactions of one turn are committed together; one that fails undoes only itself", () =>
  withDatabase(async (db, path) => {
    const mark = db.mark();
    insert(db, "one");
    let failure: unknown;
    try {
      db.write("durable", () => {
        db.run("INSERT INTO settings VALUES ('two', '')");
        throw new Error("refused");
      });
    } catch (e) {
      failure = e;
    }
    assert(failure instanceof Error && failure.message === "refused");
    insert(db, "three");
    await db.durable(mark);
    const other = new Database(path);
    assertEquals(names(other), ["one", "three"]);
    other.close();
  }));

Deno.test("what is not to be durable is seen by others as soon as it is answered", () =>
  withDatabase(async (db, path) => {
    db.write("lazy", () => db.run("INSERT INTO settings VALUES ('lazy', '')"));
    await db.durable();
    const other = new Database(path);
    assertEquals(names(other), ["lazy"]);
    other.close();
  }));

Deno.test("two connections of one process never wait for each other's groups", () =>
  withDatabase(async (db, path) => {
    const other = new Database(path);
    for (let i = 0; i < 4; i++) {
      insert(db, `a${i}`);
      insert(other, `b${i}`);
    }
    await Promise.all([db.durable(), other.durable()]);
    assertEquals(names(db).length, 8);
    other.close();
  }));

Deno.test("on a full disk all of a lost group are told, and the next one is as if nothing had been", () =>
  withDatabase(async (db, path) => {
    const [before] = db.all(z.object({ page_count: z.number() }), "PRAGMA page_count");
    const limit = (pages: number) =>
      db.all(z.object({ max_page_count: z.number() }), `PRAGMA max_page_count = ${pages}`);
    limit((before?.page_count ?? 0) + 3);
    const mark = db.mark();
    insert(db, "small");
    let isRefused = false;
    try {
      insert(db, "large", "x".repeat(1_000_000));
    } catch {
      isRefused = true;
    }
    assert(isRefused);
    const isTold = await db.durable(mark).then(() => false, () => true);
    assertEquals(names(db).includes("small"), !isTold);
    limit(1_000_000);
    const next = db.mark();
    insert(db, "next");
    await db.durable(next);
    const other = new Database(path);
    assertEquals(names(other), isTold ? ["next"] : ["next", "small"]);
    other.close();
  }));
