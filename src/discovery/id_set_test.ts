import { assertEquals } from "../../tests/assert.ts";
import { IdSet } from "./id_set.ts";

Deno.test("a set of ids knows what was added, once each, also far apart and next to each other", () => {
  const set = new IdSet();
  const ids = [0, 1, 31, 32, 33, 32_767, 32_768, 1_000_000, 2 ** 40, 2 ** 40 + 1];
  for (const id of [...ids, ...ids]) set.add(id);
  assertEquals(set.size, ids.length);
  for (const id of ids) assertEquals(set.has(id), true, `${id}`);
  for (const id of [2, 30, 34, 65_536, 999_999, 2 ** 40 - 1]) assertEquals(set.has(id), false, `${id}`);
});
