import { assertEquals } from "../../../tests/assert.ts";
import { mergeMetadata } from "./merge.ts";
import type { Metadata } from "./metadata.ts";

const meta = (patch: Partial<Metadata> = {}): Metadata => ({
  name: "run",
  description: "text",
  ranking: 0,
  keywords: ["a"],
  attributes: { k: "1" },
  ...patch,
});

Deno.test("nothing changed anywhere: no request", () => {
  assertEquals(mergeMetadata(meta(), meta(), meta()).changes, {});
});

Deno.test("a change at the source is pushed, and only that key", () => {
  assertEquals(mergeMetadata(meta(), meta({ ranking: 1 }), meta()).changes, { ranking: 1 });
  assertEquals(mergeMetadata(meta(), meta({ name: "new" }), meta()).changes, { name: "new" });
});

Deno.test("a user's edit on the platform survives, also when the source changes the same field", () => {
  assertEquals(mergeMetadata(meta(), meta(), meta({ name: "mine", ranking: -1 })).changes, {});
  const both = mergeMetadata(meta(), meta({ name: "theirs" }), meta({ name: "mine" }));
  assertEquals(both.changes, {});
  assertEquals(both.logs.map((l) => l.code), ["kept_platform_edit"]);
});

Deno.test("keywords: additions and removals of both sides apply", () => {
  const base = meta({ keywords: ["a", "b"] });
  const { changes } = mergeMetadata(
    base,
    meta({ keywords: ["a", "c"] }),
    meta({ keywords: ["a", "b", "user"] }),
  );
  assertEquals(changes, { keywords: ["a", "user", "c"] });
  assertEquals(
    mergeMetadata(base, base, meta({ keywords: ["b"] })).changes,
    {},
    "a keyword the user removed stays removed",
  );
});

Deno.test("attributes: per key, the user's keys and values stay", () => {
  const base = meta({ attributes: { k: "1", gone: "x", kept: "x" } });
  const local = meta({ attributes: { k: "2", added: "n" } });
  const remote = meta({ attributes: { k: "1", gone: "x", kept: "edited", user: "u" } });
  assertEquals(mergeMetadata(base, local, remote).changes, {
    attributes: { k: "2", kept: "edited", user: "u", added: "n" },
  });
  assertEquals(mergeMetadata(base, local, meta({ attributes: { k: "mine", user: "u" } })).changes, {
    attributes: { k: "mine", user: "u", added: "n" },
  });
});

Deno.test("without a base the platform's filled fields stay and sets are united", () => {
  const local = meta({
    name: "local",
    description: "local",
    ranking: 1,
    keywords: ["l"],
    attributes: { k: "l", l: "l" },
  });
  const remote = meta({
    name: "user",
    description: null,
    ranking: 0,
    keywords: ["r"],
    attributes: { k: "r", r: "r" },
  });
  assertEquals(mergeMetadata(null, local, remote).changes, {
    description: "local",
    ranking: 1,
    keywords: ["r", "l"],
    attributes: { k: "l", r: "r", l: "l" },
  });
});

Deno.test("an attribute set cannot be emptied: said, not sent", () => {
  const { changes, logs } = mergeMetadata(meta(), meta({ attributes: {} }), meta());
  assertEquals(changes, {});
  assertEquals(logs.map((l) => l.code), ["cannot_clear"]);
});
