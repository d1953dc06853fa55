import { assertEquals } from "../../../tests/assert.ts";
import { type Dataset, datasetSchema } from "../../platform/schemas.ts";
import type { Metadata } from "./metadata.ts";
import { mergeReplica } from "./replica_merge.ts";

const BASE: Metadata = {
  name: "name",
  description: "text",
  ranking: 0,
  keywords: ["a", "b"],
  attributes: { x: "1", y: "2" },
  notes: null,
};
const T = Date.parse("2026-01-01T00:00:00Z");

function onPlatform(metadata: Partial<Metadata>, modified = T): Dataset {
  return datasetSchema.parse({
    ...BASE,
    ...metadata,
    uuid: "u",
    collected: "",
    creator: "",
    modified: new Date(modified).toISOString(),
    scope: { uid: "s", name: "scope" },
  });
}

Deno.test("each side gets what the other changed, and both agree on the result", () => {
  const local = { ...BASE, ranking: 5, keywords: ["a", "c"], attributes: { x: "1", z: "3" } };
  const remote = onPlatform({ notes: "n", keywords: ["a", "b", "d"], attributes: { x: "9", y: "2" } });
  const { changes, takenOver, base } = mergeReplica(BASE, local, remote, 0);
  assertEquals(changes, { ranking: 5, keywords: ["a", "d", "c"], attributes: { x: "9", z: "3" } });
  assertEquals(takenOver, { notes: "n", keywords: ["a", "d", "c"], attributes: { x: "9" } });
  assertEquals(base, {
    ...BASE,
    ranking: 5,
    notes: "n",
    keywords: ["a", "d", "c"],
    attributes: { x: "9", z: "3" },
  });
});

Deno.test("merging again after only the platform was told comes to the same result", () => {
  const local = { ...BASE, ranking: 5, keywords: ["a", "c"] };
  const first = mergeReplica(BASE, local, onPlatform({ notes: "n", keywords: ["a", "b", "d"] }), 0);
  const told = onPlatform({ notes: "n", ranking: 5, keywords: ["a", "d", "c"] });
  const second = mergeReplica(BASE, local, told, 0);
  assertEquals([second.changes, second.takenOver, second.base], [{}, first.takenOver, first.base]);
});

Deno.test("equal sides need nothing, whatever the order of keywords and empty texts", () => {
  const { changes, takenOver } = mergeReplica(null, BASE, onPlatform({ keywords: ["b", "a"], notes: "" }), 0);
  assertEquals([changes, takenOver], [{}, {}]);
});

Deno.test("without a base the later side wins as a whole", () => {
  const local = { ...BASE, name: "l", notes: "l", attributes: { l: "1" } };
  const remote = onPlatform({ name: "r", keywords: [], attributes: { r: "1" } });
  const later = mergeReplica(null, local, remote, T + 1);
  assertEquals(later.changes, { name: "l", notes: "l", keywords: ["a", "b"], attributes: { l: "1" } });
  assertEquals(later.takenOver, {});
  const earlier = mergeReplica(null, local, remote, T - 1);
  assertEquals(earlier.changes, {});
  assertEquals(earlier.takenOver, { name: "r", notes: null, keywords: [], attributes: { r: "1", l: null } });
});

Deno.test("what the platform cannot clear comes not back to the source", () => {
  const local = { ...BASE, description: null, attributes: {} };
  const first = mergeReplica(BASE, local, onPlatform({}), 0);
  assertEquals([first.changes, first.takenOver, first.logs.map((l) => l.code)], [
    {},
    {},
    ["cannot_clear", "cannot_clear"],
  ]);
  assertEquals(mergeReplica(first.base, local, onPlatform({}), 0).takenOver, {});
});
