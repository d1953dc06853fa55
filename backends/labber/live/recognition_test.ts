import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../../tests/assert.ts";
import type { LiveAnswer } from "../../../src/kit/live.ts";
import labber from "../mod.ts";
import { DATA, LABBER, logsBelow, tempFolder } from "../testing.ts";
import { GrowingLog } from "./test_log.ts";
import { LogSession } from "./log_session.ts";
import { follow } from "./testing.ts";

/** Asks for a copy of a file, written `age` ms ago. */
async function asked(original: string | Uint8Array, age: number, resumed?: true): Promise<LiveAnswer> {
  await using temp = await tempFolder();
  const path = join(temp.path, "log.hdf5"), now = Date.now();
  if (typeof original === "string") await Deno.copyFile(original, path);
  else await Deno.writeFile(path, original);
  await Deno.utime(path, new Date(now - age), new Date(now - age));
  const context = {
    temp: temp.path,
    timeZone: "Europe/Amsterdam",
    now: () => now,
    ...(resumed ? { resumed } : {}),
  };
  const config = { labber_directory: temp.path, set_up: "fridge" };
  const answer = await labber.live?.(config, { identifier: "log.hdf5", path }, context);
  assert(answer);
  if ("session" in answer) await answer.session.close();
  return answer;
}

const fixture = (name: string) =>
  join(LABBER, DATA, logsBelow(join(LABBER, DATA)).find((path) => path.endsWith(`/${name}`)) ?? name);

Deno.test("live is a log that is not completed and was written to in the last ten minutes", async () => {
  assert("session" in await asked(fixture("no_entries.hdf5"), 1000));
  assert("session" in await asked(fixture("stopped.hdf5"), 599_000));
  const answers = {
    [fixture("stopped.hdf5")]: [601_000, /nothing was written for 10 min/],
    [fixture("2D_scalar.hdf5")]: [1000, /Completed is true/],
    [fixture("multi_log.hdf5")]: [1000, /Completed is true/],
  } as const;
  for (const [path, [age, expected]] of Object.entries(answers)) {
    const answer = await asked(path, age);
    assert("not_live" in answer, path);
    assertMatch(answer.not_live, expected);
  }
});

Deno.test("a log that was followed a moment ago is followed to its end, although it is completed", async () => {
  assert("session" in await asked(fixture("2D_scalar.hdf5"), 1000, true));
});

Deno.test("a file that is no log, or not begun, is not live", async () => {
  const text = new TextEncoder().encode("not a log");
  for (const [bytes, age] of [[text, 60_000], [new Uint8Array(0), 60_000]] as const) {
    assert("not_live" in await asked(bytes, age));
  }
});

Deno.test("a log whose file is taken away is lost; one that is cut off is waited for", async () => {
  await using temp = await tempFolder();
  const log = await GrowingLog.create("grid", temp.path);
  let now = Date.now();
  const context = { temp: temp.path, timeZone: "Europe/Amsterdam", now: () => now };
  const session = new LogSession({ identifier: "log", path: log.path }, context, "fridge");
  try {
    const replay = await follow(session);
    assertEquals([replay.structure.name, session.silence], ["grid", "parks"]);
    log.entry(0, [0, 1, 2, 3, 4].map((i) => [i, 0, i, i, i]));
    const whole = await Deno.readFile(log.path);
    await Deno.writeFile(log.path, whole.subarray(0, whole.length - 100));
    for (let k = 0; k < 6; k++) {
      now += 300;
      await follow(session, replay);
    }
    assertEquals([replay.delays.length > 0, replay.writtenCount("R")], [true, 0]);
    await Deno.writeFile(log.path, whole);
    await follow(session, replay);
    assertEquals(replay.writtenCount("R"), 5);
    await Deno.remove(log.path);
    await follow(session, replay);
    assertEquals(replay.end, undefined);
    now += 6000;
    await follow(session, replay);
    assertEquals([replay.end?.reason, replay.end?.complete], ["lost", false]);
  } finally {
    session.close();
  }
});
