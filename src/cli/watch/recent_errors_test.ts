import { assertEquals } from "../../../tests/assert.ts";
import { RecentErrors } from "./recent_errors.ts";
import { activity, sourceActivity } from "./watch_fixture.ts";

function at(second: number): string {
  return `2024-11-06T13:21:${String(second).padStart(2, "0")}.000Z`;
}

Deno.test("failures of agent, sources and items are one list, asked for only when something failed", async () => {
  let asked = 0;
  const record = { sync_iteration: 1, log_context: null, log_traceback: null, viewed: false, count: 1 };
  const item = { id: 1, source: "fridge", status: "error" as const, attempts: 1, next_attempt_at: null };
  const errors = new RecentErrors({
    errors: () => {
      asked++;
      return Promise.resolve([
        { ...record, id: 1, log_exception: "dns_failed: no such host", log_timestamp: at(10) },
        { ...record, id: 2, sync_source_id: 1, log_exception: "root_gone: gone", log_timestamp: at(30) },
      ]);
    },
    failedItems: () =>
      Promise.resolve([
        {
          ...item,
          dataIdentifier: "run 3",
          last_update: at(20),
          reason: { code: "x", message: "line 4 is no number", hint: "" },
        },
        { ...item, dataIdentifier: "run 2", last_update: at(5), reason: null },
      ]),
  });
  const failing = activity({ sources: [sourceActivity({ items_failed: 2 })], unread_errors: 2 });
  const expected = [
    { time: at(30), where: "fridge", text: "root_gone: gone" },
    { time: at(20), where: "fridge: run 3", text: "line 4 is no number" },
    { time: at(10), where: "agent", text: "dns_failed: no such host" },
    { time: at(5), where: "fridge: run 2", text: "failed" },
  ];
  assertEquals(await errors.at(failing), expected);
  assertEquals(await errors.at({ ...failing, bytes_uploaded: 7 }), expected);
  assertEquals(asked, 1);
  await errors.at({ ...failing, unread_errors: 3 });
  assertEquals(asked, 2);
});
