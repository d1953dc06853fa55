import { assert } from "./assert.ts";
import { faultyRun } from "./live_stream_faults.ts";

Deno.test("connections that break all the time lose, double and reorder nothing", async () => {
  const report = await faultyRun({ updates: 6_000, burst: 100, cutAfter: 60_000, readers: [0, 30] });
  assert(report.cuts > 10, `${report.cuts} cuts`);
});
