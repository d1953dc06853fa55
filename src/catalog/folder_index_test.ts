import { assertEquals } from "../../tests/assert.ts";
import { Catalog } from "./catalog.ts";

Deno.test("a folder keeps the mtime of its last listing; folders that a listing no longer shows are forgotten with all below", () => {
  const dir = Deno.makeTempDirSync();
  const catalog = Catalog.open(`${dir}/catalog.db`);
  try {
    const source = catalog.sources.add(
      { name: "s", backend: "b", config: {}, default_scope: null, autoassign: false, owner: null },
      0,
    );
    const { folders } = catalog;
    assertEquals(folders.mtime(source, ""), undefined);
    folders.listed(source, "", "1", ["a", "b", "b2"]);
    folders.listed(source, "b", "2", ["b/c"]);
    folders.listed(source, "b2", "3", []);
    assertEquals([folders.mtime(source, ""), folders.mtime(source, "b"), folders.mtime(source, "a")], [
      "1",
      "2",
      "",
    ]);
    assertEquals(folders.below(source, "").sort(), ["a", "b", "b2"]);
    folders.listed(source, "", "4", ["a", "b2"]);
    assertEquals(folders.mtime(source, "b"), undefined);
    assertEquals(folders.below(source, "b"), []);
    assertEquals(folders.mtime(source, "b2"), "3", "a neighbour with a like name stays as it was");
    folders.distrust(source, "b2");
    assertEquals(folders.mtime(source, "b2"), "");
  } finally {
    catalog.close();
    Deno.removeSync(dir, { recursive: true });
  }
});
