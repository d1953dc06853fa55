import { assertEquals } from "../../tests/assert.ts";
import { Catalog } from "./catalog.ts";
import type { Identity } from "./caches.ts";

const found = (identifier: string) => ({
  identifier,
  priority: 1,
  fingerprint: `looks of ${identifier}`,
  changed_at: 1,
});

function withItems(
  pushed: readonly string[],
  others: readonly string[],
  work: (catalog: Catalog, source: number, ids: Record<string, number>) => void,
): void {
  const folder = Deno.makeTempDirSync();
  const catalog = Catalog.open(`${folder}/catalog.db`);
  try {
    const source = catalog.sources.add({
      name: "s",
      backend: "b",
      config: {},
      default_scope: null,
      autoassign: false,
      owner: null,
    }, 1);
    const names = [...pushed, ...others];
    const list = catalog.intake.upsert(source, names.map(found), "new", () => crypto.randomUUID(), 1);
    for (const id of list.slice(0, pushed.length)) {
      catalog.items.update(id, { state: "done", pushed_scope: "scope", alt_uid: `uid ${id}` }, 1);
    }
    work(catalog, source, Object.fromEntries(names.map((name, i) => [name, list[i] ?? 0])));
  } finally {
    catalog.close();
    Deno.removeSync(folder, { recursive: true });
  }
}

const place = (source_id: number, identifier: string) => ({
  source_id,
  identifier,
  path: null,
  scope_identifier: null,
  fingerprint: `looks of ${identifier}`,
  changed_at: 1,
  due_at: 1,
  changed_since: null,
  priority: 1,
});

Deno.test("only items with a dataset are found again, by their looks and by alt_uid", () => {
  withItems([], ["new"], (catalog) => assertEquals(catalog.relocations.anyPushed(), false));
  withItems(["a"], ["new"], ({ relocations }, _source, { a }) => {
    assertEquals(relocations.anyPushed(), true);
    assertEquals(relocations.withFingerprint("looks of a").map((i) => i.id), [a]);
    assertEquals(relocations.withFingerprint("looks of new"), []);
    assertEquals(relocations.withAltUid(`uid ${a}`).map((i) => i.id), [a]);
  });
});

Deno.test("items exchange their places at once; each waits there, with its dataset, and knows where it was", () => {
  withItems(["a", "b"], [], (catalog, source, { a = 0, b = 0 }) => {
    const uuids = [a, b].map((id) => catalog.items.byId(id)?.dataset_uuid);
    catalog.relocations.relocate([
      { item: a, to: place(source, "b"), from: "/a" },
      { item: b, to: place(source, "a"), from: "/b" },
    ], 2);
    const now = [a, b].map((id) => catalog.items.byId(id));
    assertEquals(now.map((i) => [i?.identifier, i?.state, i?.moved_from]), [["b", "waiting", "/a"], [
      "a",
      "waiting",
      "/b",
    ]]);
    assertEquals(now.map((i) => i?.dataset_uuid), uuids);
  });
});

Deno.test("who was there makes room: without a dataset it is forgotten, with one it is kept as gone", () => {
  withItems(["a", "b"], ["new"], (catalog, source, { a = 0, b = 0, new: added = 0 }) => {
    catalog.relocations.relocate([{ item: a, to: place(source, "new"), from: "/a" }], 2);
    assertEquals(catalog.items.byId(added), undefined);
    catalog.relocations.relocate([{ item: a, to: place(source, "b"), from: "/new" }], 3);
    const replaced = catalog.items.byId(b);
    assertEquals([replaced?.state, replaced?.reason?.code], ["deleted_locally", "replaced_locally"]);
    assertEquals(catalog.items.byIdentifier(source, "b")?.id, a);
  });
});

Deno.test("an input that moved before it was ever synchronized leaves no item that vanished; a deleted one does", () => {
  withItems(["here"], ["before", "deleted"], (catalog, _source, { here = 0, before = 0, deleted = 0 }) => {
    catalog.items.update(here, { fingerprint: "looks of before" }, 1);
    for (const now of [1000, 70_000]) catalog.intake.absent([before, deleted], 60_000, now);
    assertEquals(catalog.items.byId(before), undefined);
    assertEquals(catalog.items.byId(deleted)?.state, "vanished");
  });
});

Deno.test("hashes of a renamed file are known by size, mtime and file id, if its suffix says the same of its type", () => {
  withItems([], [], ({ hashes }) => {
    const identity: Identity = {
      size: 1,
      md5: "m",
      sha256: "s",
      content_md5: null,
      deep_sha256: null,
      type: "TEXT",
      logs: [],
    };
    hashes.put("/d/a.txt", "1 2 3:4", identity, 1);
    assertEquals(hashes.ofFile("/d/a.h5", "1 2 3:4"), undefined);
    assertEquals(hashes.ofFile("/d/b.txt", "1 3 3:4"), undefined);
    assertEquals(hashes.ofFile("/e/b.TXT", "1 2 3:4"), identity);
    assertEquals(hashes.pathsOf("1 2 3:4").sort(), ["/d/a.txt", "/e/b.TXT"]);
  });
});
