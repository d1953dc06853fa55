import { assertEquals } from "../../../tests/assert.ts";
import { changes } from "./changes.ts";
import { activity, runningItem, sourceActivity } from "./watch_fixture.ts";

Deno.test("the first look tells everything, equal ones nothing", () => {
  const first = activity({ running: [runningItem()], unread_errors: 1 });
  assertEquals(changes(undefined, first), [
    "agent: running",
    "fridge: scanning, 5 of 5 synchronized",
    "fridge: run 7: reading",
    "agent: 1 unread error",
  ]);
  assertEquals(changes(first, { ...first, speed: 5, bytes_uploaded: 99 }), []);
});

Deno.test("each change is a line", () => {
  const reason = { code: "root_gone", message: "/data is gone\nreally \x1b[2J", hint: "Mount it." };
  const before = activity({ running: [runningItem(), runningItem({ id: 8, dataIdentifier: "run 8" })] });
  const after = activity({
    status: { state: "no_connection", reason },
    sources: [
      sourceActivity({ status: "error", reason, due: 2, settling: 1, items_failed: 1, items_total: 6 }),
      sourceActivity({ id: 2, name: "new" }),
    ],
    running: [runningItem({ step: "data.hdf5", bytes_done: 5 })],
    unread_errors: 3,
  });
  assertEquals(changes(before, after), [
    "agent: no_connection: /data is gone really �[2J",
    "fridge: error, 5 of 6 synchronized, 2 due, 1 settling, 1 failed: /data is gone really �[2J",
    "new: scanning, 5 of 5 synchronized",
    "fridge: run 7: data.hdf5",
    "fridge: run 8: ended",
    "agent: 3 unread errors",
  ]);
  assertEquals(changes(after, { ...after, sources: [], unread_errors: 0 }), [
    "fridge: removed",
    "new: removed",
    "agent: 0 unread errors",
  ]);
});
