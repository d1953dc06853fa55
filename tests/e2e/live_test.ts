/** Measurements that are followed by a real agent while they are written, seen by subscribers of its event stream. */
import { existsSync } from "node:fs";
import { type ItemDocument, Workspace } from "../agent_process.ts";
import { assert, assertEquals } from "../assert.ts";
import { sourcesToml } from "../faults/every_source.ts";
import { follow, type Following, liveHosts, sessionOf, until } from "../live_agent.ts";
import type { LiveSessionView } from "../../src/live/live_event.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { type LabRow, type LabRun, QcodesLab } from "../qcodes_lab.ts";
import { whileGrowing } from "../while_growing.ts";

/** Every seventh reading is NaN. */
const valueAt = (k: number) => k % 7 === 6 ? NaN : k * k;

/** QCoDeS stores NaN as text. */
const rows = (from: number, to: number): LabRow[] =>
  points(to).y.slice(from).map((y, k) => ({ x: from + k, y: Number.isNaN(y) ? "nan" : y }));

const points = (n: number) => ({
  x: Array.from({ length: n }, (_, k) => k),
  y: Array.from({ length: n }, (_, k) => valueAt(k)),
});

function startRun(lab: QcodesLab): LabRun {
  return lab.start({ x: {}, y: { on: ["x"] } });
}

/** A database with a finished run, as a source of an agent. */
async function withLab(work: (w: Workspace, lab: QcodesLab) => Promise<void>): Promise<void> {
  await using w = await Workspace.make();
  using lab = new QcodesLab();
  const first = startRun(lab);
  first.add(...rows(0, 3));
  first.complete();
  await Deno.mkdir(w.home);
  const config = { database_path: lab.path, set_up: "fridge" };
  await Deno.writeTextFile(
    `${w.home}/config.toml`,
    sourcesToml([{ name: "lab", backend: "qcodes", config }]),
  );
  await work(w, lab);
}

/** Every point is there once, and marked as measured; NaN that was read counts. */
function assertPoints({ replay }: Following, n: number): void {
  assertEquals({ x: replay.array("x"), y: replay.array("y") }, points(n));
  replay.assertWhole();
  replay.assertWrittenOnce();
}

/** The file beside the stream holds the same, some moments later at most. */
async function assertLiveFile({ live_file }: LiveSessionView, n: number): Promise<void> {
  assert(live_file);
  await until("the live file has them", async () => (await whileGrowing(live_file, "y")).shape[0] === n);
  const { values, completed } = await whileGrowing(live_file, "y");
  assertEquals(values.slice(0, n), points(n).y);
  assertEquals(completed, 0);
}

/** What the platform has of a run in the end. */
async function assertSynchronized(w: Workspace, item: ItemDocument | undefined, n: number): Promise<void> {
  assertEquals(item?.status, "synchronized");
  const { measurement = "" } = await w.download(item?.datasetUUID ?? "");
  const { variables } = await netcdfContent(measurement);
  assertEquals({ x: variables.x?.values, y: variables.y?.values }, points(n));
}

Deno.test("Two runs at once are seen point by point, each once and in order, through cut connections", () =>
  withLab(async (w, lab) => {
    await using serve = await w.serve();
    const one = startRun(lab);
    one.add(...rows(0, 2));
    const first = await sessionOf(serve, () => true);
    const two = startRun(lab);
    two.add(...rows(0, 2));
    const second = await sessionOf(serve, ({ id }) => id !== first.id);
    await using a = follow(serve, first);
    await using b = follow(serve, second);
    for (let n = 2; n < 60; n++) {
      one.add(...rows(n, n + 1));
      if (n % 2 === 1) two.add(...rows(n - 1, n + 1));
      if (n % 10 === 0) {
        await a.until(`point ${n}`, () => a.replay.writtenCount("y") === n + 1);
        a.subscriber.cut();
      }
    }
    one.complete();
    two.complete();
    for (const followed of [a, b]) {
      await followed.ended();
      assertPoints(followed, 60);
      assertEquals([followed.replay.end?.reason, followed.replay.end?.complete], ["completed", true]);
      assertEquals(followed.subscriber.epochs.size, 1);
    }
    assert(a.subscriber.connections > 3);
    await serve.synchronized(3);
    await serve.end();
    const items = await w.items();
    for (const { id } of [one, two]) await assertSynchronized(w, items[id], 60);
  }));

Deno.test("A killed reader, then a killed agent: the run is followed anew each time, and nothing is missing", () =>
  withLab(async (w, lab) => {
    const run = startRun(lab);
    run.add(...rows(0, 20));
    {
      await using serve = await w.serve();
      const session = await sessionOf(serve, () => true);
      await using a = follow(serve, session);
      await a.until("20 points", () => a.replay.writtenCount("y") === 20);
      for (const host of liveHosts(w.home)) Deno.kill(host, "SIGKILL");
      run.add(...rows(20, 40));
      await a.until("40 points", () => a.replay.writtenCount("y") === 40);
      assertPoints(a, 40);
      assertEquals(a.subscriber.epochs.size, 2);
      assertEquals(a.replay.end, undefined);
      await assertLiveFile(session, 40);
      await serve.end("SIGKILL");
    }
    await until("the killed agent's readers are gone", () => liveHosts(w.home).length === 0);
    run.add(...rows(40, 50));
    await using serve = await w.serve();
    const session = await sessionOf(serve, () => true);
    await using a = follow(serve, session);
    await a.until("50 points", () => a.replay.writtenCount("y") === 50);
    run.add(...rows(50, 70));
    run.complete();
    await a.ended();
    assertPoints(a, 70);
    await serve.synchronized(2);
    await until("the live file is gone", () => session.live_file !== null && !existsSync(session.live_file));
    await serve.end();
    await assertSynchronized(w, (await w.items())[run.id], 70);
  }));
