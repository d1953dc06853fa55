/** A million rows of fast QCoDeS writers that are killed and go on, followed live: nothing missed, twice, or out of order. */
import { assert, assertEquals } from "../assert.ts";
import { LiveReplay } from "../live_replay.ts";
import { type LabRun, QcodesLab } from "../qcodes_lab.ts";
import { Random } from "./prng.ts";
import { measuredValue } from "./qcodes_live_values.ts";

const WRITER = new URL("./qcodes_live_writer.ts", import.meta.url).pathname;
const PARAMETERS = { x: {}, y: { on: ["x"] }, z: { on: ["x"] } };

/** Writes a run with a process that is killed several times. @returns once it is complete */
async function write(path: string, run: LabRun, rows: number, pause: number, random: Random): Promise<void> {
  for (let kills = 0;; kills++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--quiet",
        WRITER,
        path,
        `${run.id}`,
        run.table,
        `${rows}`,
        `${random.below(1e6)}`,
        `${pause}`,
      ],
    }).spawn();
    const timer = kills < 4 ? setTimeout(() => child.kill("SIGKILL"), 500 + random.below(1500)) : undefined;
    const { success } = await child.status;
    clearTimeout(timer);
    if (success) return;
  }
}

async function followToEnd(lab: QcodesLab, run: LabRun): Promise<LiveReplay> {
  const session = await lab.follow(run.id);
  const replay = new LiveReplay();
  await replay.drain(session, { until: () => false, maxLooks: Infinity });
  await session.close();
  return replay;
}

function assertHasAll(replay: LiveReplay, rows: number): void {
  assertEquals([replay.epochs, replay.end?.reason], [1, "completed"]);
  replay.assertWrittenOnce();
  replay.assertWhole();
  ["y", "z"].forEach((name, parameter) => {
    const values = replay.array(name);
    assertEquals(values.length, rows / 2);
    const wrong = values.findIndex((v, point) =>
      String(v) !== String(measuredValue(point, parameter)).replace("nan", "NaN")
    );
    assertEquals(wrong, -1, `point ${wrong} of ${name} is ${values[wrong]}`);
    // In the order of measuring, without a step back.
    let next = 0;
    for (const change of replay.journal) {
      if (change.type !== "patch" || change.var !== name) continue;
      assertEquals(change.offset, [next]);
      next += change.shape[0] ?? 0;
    }
  });
}

// Beside a rollback journal nobody can read without a lock while a transaction goes on.
for (const [journal, rows, pause] of [["WAL", 500_000, 0], ["DELETE", 60_000, 50]] as const) {
  Deno.test(`two runs at once in one database (${journal}), ${rows} rows each, their writers killed`, async () => {
    using lab = new QcodesLab(journal);
    const runs = [lab.start(PARAMETERS), lab.start(PARAMETERS)];
    lab.close();
    const random = new Random(journal.length);
    const written = runs.map((run) => write(lab.path, run, rows, pause, random));
    const replays = await Promise.all(runs.map((run) => followToEnd(lab, run)));
    await Promise.all(written);
    for (const replay of replays) assertHasAll(replay, rows);
    assert(replays.every((r) => r.looks > 10));
  });
}
