import { basename, join } from "node:path";
import { assertEquals } from "../../../tests/assert.ts";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { DATA, LABBER, logsBelow, MORE, tempFolder } from "../testing.ts";
import { GrowingLog } from "./test_log.ts";
import { LogSession } from "./log_session.ts";
import { differences, follow } from "./testing.ts";

/** Not a log that can be read. */
const BROKEN = new Set(["empty_live.hdf5", "truncated.hdf5"]);

Deno.test("what is told of every fixture log is what its last log becomes", async () => {
  await using temp = await tempFolder();
  let logs = 0;
  for (const root of [LABBER, MORE].map((path) => join(path, DATA))) {
    for (const identifier of logsBelow(root)) {
      const path = join(root, identifier);
      if (BROKEN.has(basename(path))) continue;
      const context = { temp: temp.path, timeZone: "Europe/Amsterdam", now: Date.now };
      const session = new LogSession({ identifier, path }, context, "fridge");
      try {
        const replay = await follow(session);
        const log = String(replay.structure.attrs.log);
        assertEquals(await differences(replay, path, log, temp.path), [], identifier);
        replay.assertWrittenOnce();
        logs++;
      } finally {
        session.close();
      }
    }
  }
  assertEquals(logs > 30, true, `${logs} logs`);
});

/** A log that grows, and what a session tells of it. */
async function growing(base: "grid" | "vector", body: (lab: Growing) => Promise<void>): Promise<void> {
  await using temp = await tempFolder();
  const log = await GrowingLog.create(base, temp.path);
  const context = { temp: temp.path, timeZone: "Europe/Amsterdam", now: Date.now };
  const session = new LogSession({ identifier: "log", path: log.path }, context, "fridge");
  try {
    await body(new Growing(log, session, temp.path));
  } finally {
    session.close();
  }
}

class Growing {
  readonly replay = new LiveReplay();

  constructor(readonly log: GrowingLog, readonly session: LogSession, readonly temp: string) {}

  async look(): Promise<LiveReplay> {
    return await follow(this.session, this.replay);
  }

  async assertTrue(): Promise<void> {
    assertEquals(await differences(this.replay, this.log.path, "/", this.temp), []);
  }
}

/** Columns X, Y, R, Re IQ, Im IQ of one entry, measured up to a point. */
const entry = (row: number, measured: number, nan: number[] = [], x = (i: number) => i) =>
  [0, 1, 2, 3, 4].map((i) => [
    x(i),
    10 * row,
    ...(i < measured ? [nan.includes(i) ? NaN : i + row / 8, i, -row] : [NaN, NaN, NaN]),
  ]);

Deno.test("a sweep is told point by point; NaN in the rest of an entry is not measured, NaN before it is", async () => {
  await growing("grid", async (lab) => {
    const { log, replay } = lab;
    await lab.look();
    for (let row = 0; row < 3; row++) {
      for (let measured = 0; measured <= 5; measured++) {
        log.entry(row, entry(row, measured, [1]));
        if (row === 1) log.set("Entries, last trace", measured);
        await lab.look();
        const written = row * 5 + measured;
        assertEquals(replay.shape("R"), [row + 1, 5]);
        assertEquals(replay.writtenCount("IQ"), written, `row ${row}, ${measured} points`);
        await lab.assertTrue();
      }
    }
    assertEquals([replay.array("X"), replay.array("Y")], [[0, 1, 2, 3, 4], [0, 10, 20]]);
    assertEquals(replay.variable("R").depends_on, ["Y", "X"]);
    replay.assertWrittenOnce();
    replay.assertWhole();
    assertEquals(replay.end, undefined);
    log.set("Completed", 1);
    await lab.look();
    assertEquals([replay.end?.reason, replay.end?.complete], ["completed", true]);
  });
});

Deno.test("a sweep that turns around is told point by point from then on", async () => {
  await growing("grid", async (lab) => {
    for (let row = 0; row < 3; row++) {
      lab.log.entry(row, entry(row, 5, [], (i) => row % 2 ? 4 - i : i));
      await lab.look();
      await lab.assertTrue();
    }
    assertEquals(lab.replay.shape("R"), [15]);
    assertEquals(lab.replay.epochs, 2, "a grid, until the second row");
    lab.replay.assertWrittenOnce();
  });
});

Deno.test("traces are told with their axis, each when its point is there", async () => {
  await growing("vector", async (lab) => {
    const { log, replay } = lab;
    await lab.look();
    for (let row = 0; row < 4; row++) {
      log.trace(row, [0, 1, 2, 3, 4, 5].map((k) => [100 * row + k, -k]));
      await lab.look();
      assertEquals(replay.writtenCount("S"), 6 * row);
      log.entry(row, [[row / 4]]);
      await lab.look();
      assertEquals(replay.writtenCount("S"), 6 * (row + 1));
      await lab.assertTrue();
    }
    assertEquals([replay.shape("S"), replay.array("Frequency")], [[4, 6], [5, 5.5, 6, 6.5, 7, 7.5]]);
    replay.assertWrittenOnce();
  });
});
