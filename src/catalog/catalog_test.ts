import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { Catalog } from "./catalog.ts";
import type { FoundItem } from "./item_intake.ts";

function withCatalog(work: (catalog: Catalog) => void): void {
  const dir = Deno.makeTempDirSync();
  const catalog = Catalog.open(`${dir}/catalog.db`);
  try {
    work(catalog);
  } finally {
    catalog.close();
    Deno.removeSync(dir, { recursive: true });
  }
}

const found = (identifier: string, patch: Partial<FoundItem> = {}): FoundItem => ({
  identifier,
  priority: 1,
  fingerprint: "f1",
  changed_at: 0,
  ...patch,
});
let uuids = 0;
const uuid = () => `uuid-${uuids++}`;

function source(catalog: Catalog, name = "s"): number {
  return catalog.sources.add(
    { name, backend: "b", config: { k: 1 }, default_scope: null, autoassign: false, owner: null },
    1000,
  );
}

Deno.test("a known item keeps its uuid; only a changed fingerprint makes it due again, with attempts 0", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    catalog.intake.upsert(id, [found("a")], "new", uuid, 1);
    const before = catalog.items.byIdentifier(id, "a");
    assert(before);
    catalog.items.update(before.id, { state: "quarantined", attempts: 4 }, 2);
    catalog.intake.upsert(id, [found("a")], "new", uuid, 3);
    assertEquals(catalog.items.byId(before.id)?.state, "quarantined");
    catalog.intake.upsert(id, [found("a", { fingerprint: "f2" })], "new", uuid, 4);
    const after = catalog.items.byId(before.id);
    assertEquals([after?.state, after?.attempts, after?.dataset_uuid], ["waiting", 0, before.dataset_uuid]);
  });
});

Deno.test("the same identifier twice in one batch: the last one wins", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    catalog.intake.upsert(id, [found("a"), found("a", { fingerprint: "f2" })], "new", uuid, 1);
    assertEquals(catalog.items.byIdentifier(id, "a")?.fingerprint, "f2");
    assertEquals(catalog.sources.counters(id).total, 1);
  });
});

Deno.test("counters: 3 done, 5 tried once, 7 untried", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    const names = Array.from({ length: 15 }, (_, i) => `i${i}`);
    catalog.intake.upsert(id, names.map((n) => found(n)), "new", uuid, 1);
    names.forEach((n, i) => {
      const item = catalog.items.byIdentifier(id, n);
      if (item && i < 8) catalog.items.update(item.id, { state: i < 3 ? "done" : "retry_wait" }, 2);
    });
    assertEquals(catalog.sources.counters(id), { total: 15, synchronized: 3, failed: 5, unmapped: 0 });
  });
});

Deno.test("an item is gone only after two looks a minute apart, and comes back as waiting", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    const scan = (names: string[], now: number) => {
      const there = catalog.intake.upsert(id, names.map((n) => found(n)), "new", uuid, now);
      const rest = catalog.intake.page(id, null, 10).map((r) => r.id).filter((i) => !there.includes(i));
      catalog.intake.absent(rest, 60_000, now);
    };
    const state = (n: string) => catalog.items.byIdentifier(id, n)?.state;
    scan(["never pushed", "pushed"], 0);
    const pushed = catalog.items.byIdentifier(id, "pushed");
    catalog.items.update(pushed?.id ?? 0, { state: "done", base: "{}" }, 0);
    scan([], 1000);
    assertEquals([state("never pushed"), state("pushed")], ["waiting", "done"]);
    scan([], 30_000);
    assertEquals(state("pushed"), "done");
    scan([], 61_000);
    assertEquals([state("never pushed"), state("pushed")], ["vanished", "deleted_locally"]);
    scan(["never pushed", "pushed"], 62_000);
    assertEquals([state("never pushed"), state("pushed")], ["waiting", "waiting"]);
  });
});

Deno.test("items below a place are found by it, and those of neighbours with a like name are not", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    const names = ["a", "a/b", "a/b/c", "a-b", "a0", "ab", "."];
    catalog.intake.upsert(id, names.map((n) => found(n)), "new", uuid, 0);
    const below = (place: string) => catalog.intake.pageBelow(id, place, null, 10).map((r) => r.identifier);
    assertEquals(below("a"), ["a", "a/b", "a/b/c"]);
    assertEquals(below("a/b"), ["a/b", "a/b/c"]);
    assertEquals(below("").length, names.length);
    assertEquals(catalog.intake.pageBelow(id, "a", "a", 1).map((r) => r.identifier), ["a/b"]);
  });
});

Deno.test("a remembered look lasts only while its item is where it was and present", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    const look = () => catalog.looks.get(id, "a")?.signature;
    const renew = () => {
      const [item_id = 0] = catalog.intake.upsert(id, [found("a")], "new", uuid, 0);
      catalog.looks.put(id, "a", { item_id, signature: 7 });
      assertEquals(look(), 7);
      return item_id;
    };
    const item = renew();
    catalog.items.update(item, { state: "done" }, 0);
    assertEquals(look(), 7);
    catalog.intake.absent([item], 60_000, 0);
    assertEquals(look(), undefined, "absent");
    renew();
    catalog.items.update(item, { state: "vanished" }, 0);
    assertEquals(look(), undefined, "gone");
  });
});

Deno.test("equal consecutive errors are folded and become unread again; 1,000 are kept", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    const error = (n: number) => new SyncError("source", "root_missing", `no ${n}`).toData();
    catalog.errors.add(id, error(0), 1, 1);
    catalog.errors.add(id, error(0), 2, 2);
    assertEquals(catalog.errors.list(id).map((e) => [e.count, e.iteration]), [[2, 2]]);
    catalog.transaction(() => {
      for (let i = 1; i <= 1100; i++) catalog.errors.add(id, error(i), 3, 3);
    });
    assertEquals(catalog.errors.list(id, { limit: 5000 }).length, 1000);
    assertEquals(catalog.errors.list(id, { limit: 1 })[0]?.exception, "root_missing: no 1100");
  });
});

Deno.test("a source the user stopped stays stopped, whatever the engine says", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    catalog.sources.setState(id, "stopped", null, 1, true);
    catalog.sources.setState(id, "syncing", null, 2);
    assertEquals(catalog.sources.byId(id)?.state, "stopped");
  });
});

Deno.test("removing a source takes its items, mappings and errors with it", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    catalog.intake.upsert(id, [found("a")], "new", uuid, 1);
    catalog.mappings.set(id, "x", "scope");
    catalog.sources.remove(id);
    assertEquals(catalog.items.list({ limit: 10, offset: 0 }), []);
    assertEquals(catalog.mappings.ofSource(id), []);
  });
});

Deno.test("a failed transaction leaves nothing behind", () => {
  withCatalog((catalog) => {
    assertThrows(() =>
      catalog.transaction(() => {
        source(catalog);
        throw new Error("no");
      })
    );
    assertEquals(catalog.sources.list(), []);
  });
});

Deno.test("a clock that was set back does not postpone a retry beyond its interval", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    catalog.intake.upsert(id, [found("a")], "new", uuid, 1);
    const item = catalog.items.byIdentifier(id, "a")?.id ?? 0;
    catalog.items.update(item, { state: "retry_wait", next_attempt_at: 1_000_000 + 60_000 }, 1_000_000);
    catalog.queue.rebaseClock(5000);
    assertEquals(catalog.items.byId(item)?.next_attempt_at, 65_000);
  });
});

Deno.test("a catalog of a newer release is refused and left alone", () => {
  const dir = Deno.makeTempDirSync();
  const path = `${dir}/catalog.db`;
  Catalog.open(path).close();
  using db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  const e = assertThrows(() => Catalog.open(path));
  assert(e instanceof SyncError && e.code === "catalog_newer");
  assertEquals(db.prepare("PRAGMA user_version").get()?.user_version, 99);
  Deno.removeSync(dir, { recursive: true });
});

Deno.test("a file that is no database is refused with a hint", () => {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, "not a database, but long enough to be looked at as one".repeat(50));
  const e = assertThrows(() => Catalog.open(path));
  assert(e instanceof SyncError && e.code === "catalog_unusable" && e.hint !== "");
  Deno.removeSync(path);
});

Deno.test("a catalog that is damaged inside says so, and what to do, whatever is asked of it", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const path = `${dir}/catalog.db`;
    Catalog.open(path).close();
    const db = new DatabaseSync(path);
    const roots = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name IN ('sources', 'facts')").all();
    db.close();
    const bytes = Deno.readFileSync(path);
    for (const page of roots.map((r) => Number(r.rootpage))) bytes.fill(0xa5, (page - 1) * 4096, page * 4096);
    Deno.writeFileSync(path, bytes);
    const catalog = Catalog.open(path);
    try {
      for (
        const ask of [() => catalog.sources.list(), () => source(catalog), () => catalog.nextIteration()]
      ) {
        const error = assertThrows(ask);
        assert(error instanceof SyncError, String(error));
        assertEquals([error.code, error.class], ["catalog_unusable", "local"]);
        assert(error.hint.includes("moved away"));
      }
    } finally {
      catalog.close();
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("a source that looks elsewhere recognises nothing by how it looked before", () => {
  withCatalog((catalog) => {
    const id = source(catalog);
    const [item_id = 0] = catalog.intake.upsert(id, [found("a")], "new", uuid, 1);
    catalog.looks.put(id, "a", { item_id, signature: 42 });
    catalog.items.forgetDatasets(id, uuid, 2);
    assertEquals(catalog.looks.get(id, "a"), undefined);
    assertEquals(catalog.items.byId(item_id)?.fingerprint, "");
  });
});
