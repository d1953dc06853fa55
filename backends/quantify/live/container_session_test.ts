import { assert, assertEquals, assertMatch } from "../../../tests/assert.ts";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { column, Lab, range, unmeasured } from "./testing.ts";

const filled = (length: number, upTo: number, value = (i: number) => Math.sin(i)) =>
  range(length).map((i) => i < upTo ? value(i) : NaN);

Deno.test("a run is told point by point, and ends when all is written and the file rests", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write([column("x0", range(20)), column("y0", unmeasured(20))]);
  const session = await lab.session(run);
  const replay = await new LiveReplay().drain(session);
  assertEquals(replay.structure.name, "run");
  assertEquals(replay.structure.variables, [
    {
      name: "x0",
      dtype: "f8",
      dims: ["x0"],
      shape: [20],
      role: "setpoint",
      units: "V",
      long_name: "Parameter x0",
      depends_on: [],
    },
    {
      name: "y0",
      dtype: "f8",
      dims: ["x0"],
      shape: [20],
      role: "measured",
      units: "V",
      long_name: "Parameter y0",
      depends_on: ["x0"],
    },
  ]);
  assertEquals([replay.writtenCount("x0"), replay.writtenCount("y0")], [20, 0]);
  for (const upTo of [1, 2, 7, 19, 20]) {
    await run.write([column("x0", range(20)), column("y0", filled(20, upTo))]);
    await replay.drain(session);
    assertEquals(replay.written("y0"), range(20).map((i) => i < upTo), `${upTo} points`);
  }
  replay.assertWrittenOnce();
  assertEquals(await run.differences(replay), []);
  assertEquals(replay.end, undefined);
  lab.now += 1900;
  await replay.drain(session);
  assertEquals(replay.end, undefined, "not two seconds yet");
  lab.now += 200;
  await replay.drain(session);
  assertEquals([replay.end?.reason, replay.end?.complete], ["filled", true]);
  assertMatch(replay.end?.evidence ?? "", /all 20 points .* 2\.1 s/);
});
