import { assertEquals, assertMatch, assertNotEquals } from "../../../tests/assert.ts";
import { fileUuid } from "./file_uuid.ts";

const DATASET = "0b7d2f98-0100-4002-8000-01a1fbe1bead";

Deno.test("a new file has the same uuid for all agents, another one for each name and dataset", () => {
  const uuid = fileUuid(DATASET, "sub/table.csv");
  assertMatch(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assertEquals(fileUuid(DATASET.toUpperCase(), "sub/table.csv"), uuid);
  assertNotEquals(fileUuid(DATASET, "sub/Table.csv"), uuid);
  assertNotEquals(fileUuid("1b7d2f98-0100-4002-8000-01a1fbe1bead", "sub/table.csv"), uuid);
});
