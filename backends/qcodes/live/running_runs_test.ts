import { assertEquals } from "../../../tests/assert.ts";
import { QcodesLab } from "../../../tests/qcodes_lab.ts";
import { discover } from "../discover.ts";
import { qcodesConfig } from "../config.ts";

const PARAMETERS = { x: {}, y: { on: ["x"] } };
const MINUTE = 60_000;

Deno.test("discovery tells the runs that are being measured from those that were killed once", async () => {
  using lab = new QcodesLab();
  const start = Date.now();
  const old = start - 60 * MINUTE;
  const config = qcodesConfig({ database_path: lab.path, set_up: "fridge" });
  let since: unknown;
  const running = async (now: number) => {
    const page = await discover(config, since, now);
    since = JSON.parse(JSON.stringify(page.cursor));
    return page.items.filter((i) => i.running).map((i) => i.identifier);
  };
  const killed = lab.start(PARAMETERS, { started: old });
  killed.add({ x: 0, y: 0 });
  const slow = lab.start(PARAMETERS, { started: old });
  slow.add({ x: 0, y: 0 });
  lab.start(PARAMETERS, { started: null });
  lab.start(PARAMETERS).complete();
  lab.start(PARAMETERS, { table: false });
  const recent = lab.start(PARAMETERS);
  const newest = lab.start(PARAMETERS, { started: old });
  assertEquals(await running(start), [String(newest.id), String(recent.id)]);
  // Rows that come in show that a run which began long ago goes on.
  slow.add({ x: 1, y: 1 });
  assertEquals(await running(start + MINUTE), [newest, recent, slow].map((r) => String(r.id)));
  assertEquals(await running(start + 10.5 * MINUTE), [String(slow.id)]);
  assertEquals(await running(start + 12 * MINUTE), []);
  slow.add({ x: 2, y: 2 });
  assertEquals(await running(start + 13 * MINUTE), [String(slow.id)]);
  slow.complete();
  assertEquals(await running(start + 14 * MINUTE), []);
});
