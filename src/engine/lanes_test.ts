import { assert, assertEquals } from "../../tests/assert.ts";
import { Catalog } from "../catalog/catalog.ts";
import type { Lane } from "../catalog/item_rows.ts";
import { systemEnv } from "../env.ts";
import { Lanes } from "./lanes.ts";
import type { Services } from "./services.ts";

/** A catalog with `count` due items per source and lane; `start` takes the next one as the engine would. */
function withLanes(
  setup: Record<string, Partial<Record<Lane, number>>>,
  work: (
    parts: { start: (bytes?: number) => { source: string; lane: string } | undefined; catalog: Catalog },
  ) => void,
): void {
  const dir = Deno.makeTempDirSync();
  const catalog = Catalog.open(`${dir}/catalog.db`);
  const ids: number[] = [];
  const names = new Map<number, string>();
  catalog.transaction(() => {
    for (const [name, lanes] of Object.entries(setup)) {
      const id = catalog.sources.add({
        name,
        backend: "b",
        config: {},
        default_scope: null,
        autoassign: false,
        owner: null,
      }, 0);
      ids.push(id);
      names.set(id, name);
      for (const [lane, count] of Object.entries(lanes) as [Lane, number][]) {
        const found = Array.from({ length: count }, (_, i) => ({
          identifier: `${lane}${i}`,
          priority: i,
          fingerprint: "f",
          changed_at: 0,
        }));
        catalog.intake.upsert(id, found, lane, systemEnv.uuid, 0);
      }
    }
  });
  // Only clock and catalog are looked at.
  const lanes = new Lanes({ env: { ...systemEnv, now: () => 10_000 }, catalog } as Services);
  const start = (bytes = 1) => {
    const item = lanes.next(ids, new Set(), []);
    if (!item) return undefined;
    catalog.items.update(item.id, { state: "done", has_priority: false }, 10_000);
    lanes.done(item.source_id, bytes);
    return { source: names.get(item.source_id) ?? "", lane: item.lane };
  };
  try {
    work({ start, catalog });
  } finally {
    catalog.close();
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("of 14 starts with all lanes waiting, at least 4 are back-fill and 2 are retries", () => {
  withLanes({ a: { new: 40, backfill: 40, retry: 40 } }, ({ start }) => {
    const lanes = Array.from({ length: 42 }, () => start()?.lane);
    for (let i = 0; i + 14 <= lanes.length; i++) {
      const window = lanes.slice(i, i + 14);
      assert(window.filter((l) => l === "backfill").length >= 4, `back-fill starved at ${i}: ${window}`);
      assert(window.filter((l) => l === "retry").length >= 2, `retry starved at ${i}: ${window}`);
    }
  });
});

Deno.test("a huge source does not delay the others: each has one of any 2·S starts", () => {
  withLanes({ huge: { backfill: 60 }, b: { backfill: 10 }, c: { new: 10 } }, ({ start }) => {
    const sources = Array.from({ length: 24 }, () => start()?.source);
    for (let i = 0; i + 6 <= 24; i++) {
      for (const name of ["huge", "b", "c"]) {
        const left = 10 - sources.slice(0, i + 6).filter((s) => s === name).length;
        assert(
          name !== "huge" && left <= 0 || sources.slice(i, i + 6).includes(name),
          `${name} starved: ${sources}`,
        );
      }
    }
  });
});

Deno.test("a source that once sent terabytes still gets one of any 2·S starts", () => {
  withLanes({ huge: { new: 30 }, b: { new: 30 }, c: { new: 30 } }, ({ start }) => {
    while (start(1e13)?.source !== "huge");
    const sources = Array.from({ length: 36 }, () => start(10)?.source);
    for (let i = 0; i + 6 <= sources.length; i++) {
      assert(sources.slice(i, i + 6).includes("huge"), `huge starved: ${sources}`);
    }
  });
});

Deno.test("what the user asked for comes first; newest first inside a lane", () => {
  withLanes({ a: { new: 3 } }, ({ start, catalog }) => {
    const oldest = catalog.items.byIdentifier(1, "new0");
    catalog.items.prioritize(oldest?.id ?? 0, 10_000);
    start();
    assertEquals(catalog.items.byId(oldest?.id ?? 0)?.state, "done");
    start();
    assertEquals(catalog.items.byIdentifier(1, "new2")?.state, "done");
  });
});

Deno.test("an input that is not quiet yet is left to settle", () => {
  withLanes({ a: { new: 1 } }, ({ start, catalog }) => {
    const item = catalog.items.byIdentifier(1, "new0");
    catalog.items.update(item?.id ?? 0, { due_at: 11_000 }, 9000);
    assertEquals(start(), undefined);
    assertEquals(catalog.queue.pending(1, 10_000), { due: 0, settling: 1, firstQuietAt: 11_000 });
  });
});
