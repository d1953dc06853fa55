import { DatabaseSync } from "node:sqlite";
import { assertEquals } from "../../../tests/assert.ts";
import { ReadOnlyDatabase } from "./read_only_database.ts";

Deno.test("a database that is asked again and again keeps no more statements than there are questions", () => {
  using db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, x'00'), (9007199254740993, 'text'), (3, NULL)");
  let prepared = 0;
  using database = new ReadOnlyDatabase({
    isOpen: true,
    prepare: (sql: string) => {
      prepared++;
      return db.prepare(sql);
    },
    close: () => {},
  }, "a database");
  const ask = (after: number) => [
    ...database.pages("t", ["a", "b"], { after, pageBytes: 100 }),
    ...database.pages("t", ["a"], { after, upTo: 2 }),
    database.all("SELECT count(*) AS n FROM t WHERE rowid > ?", after),
  ];
  assertEquals(ask(1), [
    [[2, 9007199254740993n, "text"], [3, 3, null]],
    [[2, 9007199254740993n]],
    [Object.assign(Object.create(null), { n: 2 })],
  ]);
  const once = prepared;
  for (let after = 0; after < 3; after++) ask(after);
  assertEquals(prepared, once);
});
