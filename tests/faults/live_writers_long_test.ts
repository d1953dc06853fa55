/**
 * Measurements written by the libraries themselves (QCoDeS, xarray as Quantify does, h5py as Labber and as a SWMR
 * writer, PostgreSQL as core-tools does), followed by a real agent whose reader is killed in the middle: a subscriber
 * has every point exactly once, in the order and with the value that was written. Needs a Python with these libraries:
 * `ETIKET_BENCH_PYTHON=…/python`.
 */
import { join } from "node:path";
import { assert, assertEquals } from "../assert.ts";
import { type Kind, Lab, PYTHON } from "../bench/live/lab.ts";
import { follow, type Following, liveHosts, sessionOf } from "../live_agent.ts";
import { ServingProcess } from "../serving_process.ts";
import { sourcesToml } from "./every_source.ts";

/** Half of the points are written before the reader that was killed must be back. */
const POINTS = { points: 100, interval: 0.03, fill: 0 };
const PAUSE = 50;
const LIBRARIES = "qcodes, xarray, h5netcdf, h5py, psycopg2";
/** Why the writers can not run here. */
const missing = await whyNoPython();

async function whyNoPython(): Promise<string | undefined> {
  try {
    const command = new Deno.Command(PYTHON, { args: ["-c", `import ${LIBRARIES}`], stderr: "null" });
    return (await command.output()).success ? undefined : `${PYTHON} has not all of ${LIBRARIES}`;
  } catch (e) {
    return String(e);
  }
}

/** Values that look like the times that the writers measure, of the one variable that has them, in C order. */
function stampsOf({ replay }: Following): number[] {
  const measured = replay.names.filter((name) => replay.variable(name).role === "measured");
  return measured.flatMap((name) => replay.array(name)).filter((value) => value > 1.7e9 && value < 4e9);
}

async function withSource(kind: Kind, work: (lab: Lab, home: string) => Promise<void>): Promise<void> {
  if (missing) return console.log(`not run: ${missing}`);
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "live_" }));
  try {
    await using lab = await Lab.make(kind, join(dir, "data"));
    const home = join(dir, "home");
    await Deno.mkdir(home);
    await Deno.writeTextFile(join(home, "config.toml"), sourcesToml([{ name: "lab", ...lab.source() }]));
    await work(lab, home);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (const kind of ["qcodes", "quantify", "core_tools", "labber", "swmr", "csv"] as const) {
  Deno.test(`${kind}: every point that the library writes is seen once and in order, also when the reader is killed`, () =>
    withSource(kind, async (lab, home) => {
      const writer = lab.writer("live run", { ...POINTS, pause: PAUSE });
      await writer.ready();
      await using serve = await ServingProcess.start(home);
      await using followed = follow(serve, await sessionOf(serve, () => true));
      await writer.goToPause();
      await followed.until("a tenth of the points", () => stampsOf(followed).length >= POINTS.points / 10);
      const [host] = liveHosts(home);
      assert(host);
      Deno.kill(host, "SIGKILL");
      await followed.until("a new beginning", () => followed.subscriber.epochs.size > 1);
      await writer.go();
      const { stamps } = await writer.ended();
      await followed.until("all points", () => stampsOf(followed).length === stamps.length);
      assertEquals(stampsOf(followed), stamps);
      followed.replay.assertWrittenOnce();
    }));
}

for (const kind of ["qcodes", "core_tools"] as const) {
  Deno.test(`${kind}: two runs at once in one database, one of which dies, do not disturb each other`, () =>
    withSource(kind, async (lab, home) => {
      const dying = lab.writer("dies", POINTS);
      await dying.ready();
      const living = lab.writer("lives", POINTS);
      await living.ready();
      await using serve = await ServingProcess.start(home);
      const first = await sessionOf(serve, () => true);
      const second = await sessionOf(serve, ({ id }) => id !== first.id);
      await using a = follow(serve, first);
      await using b = follow(serve, second);
      await Promise.all([dying.go(), living.go()]);
      await a.until("points", () => stampsOf(a).length >= 10);
      await b.until("points", () => stampsOf(b).length >= 10);
      dying.kill();
      const { stamps } = await living.ended();
      const whole = () => [a, b].find((followed) => followed.replay.end?.reason === "completed");
      await a.until("the end of the other", () => whole() !== undefined);
      const ended = whole();
      assert(ended);
      assertEquals(stampsOf(ended), stamps);
      ended.replay.assertWrittenOnce();
      const other = ended === a ? b : a;
      assertEquals(other.replay.end, undefined);
      other.replay.assertWrittenOnce();
      assert(stampsOf(other).length >= 10);
    }));
}
