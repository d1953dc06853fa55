import { assert, assertEquals } from "../../tests/assert.ts";
import type { ItemRow } from "../catalog/item_rows.ts";
import { type ErrorClass, SyncError } from "../kit/errors.ts";
import { afterFailure, decisiveError, retryDelay } from "./retry.ts";

const error = (cls: ErrorClass, code = "code") => new SyncError(cls, code, "message").toData();
const item = (patch: Partial<ItemRow> = {}): ItemRow => ({
  id: 1,
  source_id: 1,
  identifier: "i",
  path: null,
  dataset_uuid: "u",
  scope_identifier: null,
  fingerprint: "f",
  changed_at: 0,
  due_at: 0,
  changed_since: null,
  state: "running",
  reason: null,
  lane: "new",
  priority: 0,
  has_priority: false,
  attempts: 0,
  streak: 0,
  streak_code: null,
  streak_since: null,
  next_attempt_at: null,
  absent_since: null,
  verdict_key: null,
  pushed_scope: null,
  alt_uid: null,
  base: null,
  moved_from: null,
  intent: null,
  is_secondary: false,
  updated: 0,
  ...patch,
});

Deno.test("the schedule: 10 s, 1 min, 5 min, 20 min, 1 h, 2 h, 8 h, then 24 h for ever, within 10 %", () => {
  const minutes = [1 / 6, 1, 5, 20, 60, 120, 480, 1440, 1440, 1440];
  assertEquals(minutes.map((_, i) => retryDelay(i + 1, 0.5) / 60_000), minutes);
  assertEquals([retryDelay(2, 0), retryDelay(2, 1)], [54_000, 66_000]);
});

Deno.test("causes outside of the item never count as an attempt, whatever else failed", () => {
  for (const cls of ["network", "auth", "local", "busy"] as const) {
    const decisive = decisiveError([error("data"), error("internal"), error(cls)]);
    assert(decisive);
    const patch = afterFailure(item({ attempts: 3 }), decisive, 0, 0.5);
    assertEquals([patch.state, patch.attempts], ["deferred", undefined], cls);
  }
});

Deno.test("busy: 1, 2, 5, 10, 30, 60, 60 s; after half an hour one counted failure", () => {
  let row = item();
  const waits: number[] = [];
  for (let i = 0, now = 0; i < 7; i++) {
    const patch = afterFailure(row, error("busy"), now, 0.5);
    waits.push((patch.next_attempt_at ?? 0) - now);
    row = { ...row, ...patch };
    now = patch.next_attempt_at ?? 0;
  }
  assertEquals(waits, [1000, 2000, 5000, 10_000, 30_000, 60_000, 60_000]);
  const late = afterFailure(row, error("busy"), 30 * 60_000, 0.5);
  assertEquals([late.state, late.attempts, late.reason?.code], ["retry_wait", 1, "source_busy"]);
});

Deno.test("what lies in the input quarantines at once", () => {
  for (const cls of ["data", "converter"] as const) {
    const patch = afterFailure(item(), error(cls), 0, 0.5);
    assertEquals([patch.state, patch.next_attempt_at], ["quarantined", null]);
  }
});

Deno.test("a file that a database names and that is not there is looked for again", () => {
  const { state, next_attempt_at } = afterFailure(item(), { ...error("data"), code: "file_missing" }, 0, 0.5);
  assertEquals([state, next_attempt_at], ["retry_wait", 10_000]);
});

Deno.test("a reader that dies three times in a row on one input quarantines it; another error in between does not", () => {
  let row = item();
  for (
    const [code, expected] of [["a", "retry_wait"], ["b", "retry_wait"], ["a", "retry_wait"], [
      "a",
      "retry_wait",
    ], ["a", "quarantined"]] as const
  ) {
    const patch = afterFailure(row, error("reader", code), 0, 0.5);
    assertEquals(patch.state, expected);
    row = { ...row, ...patch };
  }
  assertEquals(row.reason?.code, "reader_crash");
});
