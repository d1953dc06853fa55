import { assert } from "./assert.ts";
import { faultyRun } from "./live_stream_faults.ts";

Deno.test("connections that break all the time lose, double and reorder nothing", async () => {
  const report = await faultyRun({ updates: 10_000, burst: 200, cutAfter: 200_000, readers: [0, 30] });
  assert(report.cuts > 5, `${report.cuts} cuts`);
});
