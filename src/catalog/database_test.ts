import { assertEquals, assertThrows } from "../../tests/assert.ts";
import { CatalogDatabase } from "./database.ts";

const PUT = "INSERT OR REPLACE INTO facts VALUES (?, ?)";

/** Facts that another process sees. */
function seen(path: string): string[] {
  const other = CatalogDatabase.open(path);
  try {
    return other.all("SELECT key FROM facts ORDER BY key").map((row) => String(row.key));
  } finally {
    other.close();
  }
}

async function withDatabase(test: (db: CatalogDatabase, path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "catalog_database_" });
  const db = CatalogDatabase.open(`${folder}/catalog.db`);
  try {
    test(db, `${folder}/catalog.db`);
  } finally {
    db.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a change for later goes with the next one, whatever that is, and survives its failure", () =>
  withDatabase((db, path) => {
    db.later(["a"], PUT, "a", "1");
    assertEquals(seen(path), []);
    db.note(PUT, "b", "1");
    assertEquals(seen(path), ["a", "b"]);

    db.later(["c"], PUT, "c", "1");
    assertThrows(() =>
      db.transaction(() => {
        db.run(PUT, "d", "1");
        throw new Error("no");
      })
    );
    assertEquals(seen(path), ["a", "b"]);
    db.transaction(() => db.run(PUT, "e", "1"));
    assertEquals(seen(path), ["a", "b", "c", "e"]);
  }));

Deno.test("who reads what a change for later concerns, settles it first; many are written by themselves", () =>
  withDatabase((db, path) => {
    db.later(["x", "y"], PUT, "x", "1");
    db.settle("z");
    assertEquals(seen(path), []);
    db.settle("y");
    assertEquals(seen(path), ["x"]);
    for (let i = 0; i < 200; i++) db.later([], PUT, `n${i}`, "1");
    assertEquals(seen(path).length > 100, true);
    db.settle();
    assertEquals(seen(path).length, 201);
  }));

Deno.test("what was for later is there after closing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "catalog_database_" });
  try {
    const db = CatalogDatabase.open(`${folder}/catalog.db`);
    db.later([], PUT, "last", "1");
    db.close();
    assertEquals(seen(`${folder}/catalog.db`), ["last"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
