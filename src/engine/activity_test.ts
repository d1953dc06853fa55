import { assertEquals } from "../../tests/assert.ts";
import { Catalog } from "../catalog/catalog.ts";
import { RunningActivity } from "./activity.ts";

Deno.test("a large file is shown while it is read, before it is sent, and reading counts as no speed", () => {
  const catalog = Catalog.open(":memory:");
  try {
    const source = catalog.sources.add({
      name: "s",
      backend: "b",
      config: {},
      default_scope: null,
      autoassign: false,
      owner: null,
    }, 0);
    catalog.intake.upsert(
      source,
      [{ identifier: "run", fingerprint: "f", changed_at: 0, priority: 0 }],
      "new",
      () => crypto.randomUUID(),
      0,
    );
    const item = catalog.items.byIdentifier(source, "run");
    if (!item) throw new Error("no item");
    let now = 0;
    const activity = new RunningActivity(item, "s", { now: () => now, monotonic: () => now }, () => {});
    const shown = () => {
      const { step, bytes_done, bytes_total, speed } = activity.view();
      return [step, bytes_done, bytes_total, speed];
    };
    activity.reading();
    assertEquals(shown(), ["reading", 0, null, 0]);
    activity.checking("large.bin", 300, 1000);
    assertEquals(shown(), ["reading large.bin", 300, 1000, 0]);
    activity.checking("large.bin", null, 1000);
    activity.sending("sub/large.bin", 1000);
    // An upload that goes on reads again what was sent.
    activity.checking("large.bin", 500, 1000);
    assertEquals(shown(), ["reading large.bin", 500, 1000, 0]);
    activity.checking("large.bin", null, 1000);
    activity.sent("sub/large.bin", 100);
    now = 1000;
    activity.sent("sub/large.bin", 600);
    assertEquals(shown(), ["sub/large.bin", 600, 1000, 500]);
  } finally {
    catalog.close();
  }
});
