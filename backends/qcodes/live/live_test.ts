/** Runs followed while they are written, against what the finished run gives. */
import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertMatch } from "../../../tests/assert.ts";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { netcdfContent } from "../../../tests/netcdf_content.ts";
import {
  type LabRow,
  type LabRun,
  npy,
  type Parameters,
  QcodesLab,
  type RunOptions,
} from "../../../tests/qcodes_lab.ts";
import { QcodesReader } from "../../../tests/read_qcodes.ts";
import { SyncError } from "../../../src/kit/errors.ts";
import { RunSession } from "./run_session.ts";

interface Followed {
  lab: QcodesLab;
  run: LabRun;
  replay: LiveReplay;
  /** Adds rows and looks until they are there. */
  add(...rows: LabRow[]): Promise<void>;
  /** Completes the run and looks until its end. */
  complete(): Promise<void>;
  /** What the finished file holds that is another than the replayed variables. */
  differences(): Promise<string[]>;
}

async function following(
  parameters: Parameters,
  options: RunOptions,
  test: (followed: Followed) => Promise<void>,
): Promise<void> {
  using lab = new QcodesLab();
  const run = lab.start(parameters, options);
  const session = await lab.follow(run.id);
  const replay = new LiveReplay();
  await replay.drain(session);
  try {
    await test({
      lab,
      run,
      replay,
      add: async (...rows) => {
        run.add(...rows);
        await replay.drain(session);
      },
      complete: async () => {
        run.complete();
        await replay.drain(session, { until: () => false });
      },
      differences: async () => {
        using reader = new QcodesReader(lab.path);
        const { variables } = await netcdfContent(await reader.file(run.id));
        // Of points that are only listed the file has their numbers, too.
        const { index: _index, ...others } = variables;
        return replay.differences({ variables: others });
      },
    });
  } finally {
    await session.close();
  }
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

Deno.test("a sweep: the axis grows with the setpoint, NaN is a reading, digits as in the finished file", () =>
  following({ x: {}, y: { on: ["x"], unit: "A" } }, {}, async ({ replay, add, complete, differences }) => {
    assertEquals(replay.structure.variables, [
      {
        name: "x",
        dtype: "f8",
        dims: ["x"],
        shape: [0],
        role: "setpoint",
        units: "V",
        long_name: "Label of x",
        depends_on: [],
      },
      {
        name: "y",
        dtype: "f8",
        dims: ["x"],
        shape: [0],
        role: "measured",
        units: "A",
        long_name: "Label of y",
        depends_on: ["x"],
      },
    ]);
    assertEquals([replay.structure.name, replay.structure.attrs.exp_name], ["a run", "cooldown"]);
    await add({ x: 0, y: 1 });
    await add({ x: 0.1 + 0.2, y: "nan" }, { x: 1, y: Infinity });
    assertEquals([replay.array("x"), replay.array("y")], [[0, 0.3, 1], [1, NaN, Infinity]]);
    assertEquals(replay.written("y"), [true, true, true]);
    for (const i of range(20)) await add({ x: 2 + i, y: i });
    await complete();
    assertEquals(replay.end, {
      reason: "completed",
      evidence: "is_completed = 1 and row 23 was the last",
      complete: true,
    });
    replay.assertWrittenOnce();
    replay.assertWhole();
    assertEquals([await differences(), replay.epochs], [[], 1]);
  }));

Deno.test("a grid of registered shape: order of arrival, two parameters, an inferred one, complex and text", () =>
  following(
    {
      x: {},
      y: {},
      gate: { from: ["x"] },
      s: { on: ["x", "y"] },
      t: { on: ["x", "y"], type: "text" },
      z: { on: ["x", "y"], type: "complex" },
    },
    { shapes: { s: [3, 2], t: [3, 2], z: [3, 2] } },
    async ({ replay, add, complete, differences }) => {
      assertEquals(replay.shape("s"), [3, 2]);
      for (const i of range(6)) {
        // Both axes fall.
        const [x, y] = [10 - Math.floor(i / 2), 5 - i % 2];
        const point = { x, y, gate: 2 * x };
        await add({ ...point, s: i });
        await add({ ...point, t: `p${i}` }, { ...point, z: npy([1], Float64Array.of(i, -i), true) });
        assertEquals(replay.writtenCount("s"), i + 1);
      }
      await complete();
      assertEquals(replay.array("x"), [10, 9, 8]);
      replay.assertWrittenOnce();
      assertEquals([await differences(), replay.epochs], [[], 1]);
    },
  ));

Deno.test("a grid that ends early is cut to the rows that were measured", () =>
  following({ x: {}, y: {}, s: { on: ["x", "y"] } }, { shapes: { s: [4, 2] } }, async (f) => {
    await f.add(...range(5).map((i) => ({ x: Math.floor(i / 2), y: i % 2, s: i })));
    assertEquals(f.replay.shape("s"), [4, 2]);
    await f.complete();
    assertEquals([f.replay.shape("s"), f.replay.shape("x")], [[3, 2], [3]]);
    assertEquals(await f.differences(), []);
  }));

Deno.test("more points than the registered shape has: the points are listed anew", () =>
  following({ x: {}, y: {}, s: { on: ["x", "y"] } }, { shapes: { s: [2, 2] } }, async (f) => {
    await f.add(...range(4).map((i) => ({ x: Math.floor(i / 2), y: i % 2, s: i })));
    await f.add({ x: 0, y: 0, s: 9 });
    assertEquals(f.replay.epochs, 2);
    await f.complete();
    assertEquals(f.replay.array("s"), [0, 1, 2, 3, 9]);
    f.replay.assertWrittenOnce();
    assertEquals(await f.differences(), []);
  }));

Deno.test("a setpoint that comes twice: the points are listed anew", () =>
  following({ x: {}, y: { on: ["x"] } }, {}, async (f) => {
    await f.add({ x: 3, y: 0 }, { x: 1, y: 1 }, { x: 2, y: 2 });
    assertEquals(f.replay.variable("y").dims, ["x"]);
    await f.add({ x: 1, y: 3 });
    assertEquals([f.replay.variable("y").dims, f.replay.epochs], [["index"], 2]);
    await f.complete();
    assertEquals(await f.differences(), []);
  }));

Deno.test("two parameters at different points of one axis meet on it", () =>
  following({ x: {}, a: { on: ["x"] }, b: { on: ["x"] } }, {}, async (f) => {
    await f.add({ x: 0, a: 0 }, { x: 0, b: 0 }, { x: 1, a: 1 }, { x: 2, a: 2 }, { x: 2, b: 20 }, {
      x: 3,
      a: 3,
    });
    assertEquals([f.replay.array("b"), f.replay.epochs], [[0, NaN, 20], 1]);
    await f.complete();
    assertEquals(f.replay.array("b"), [0, NaN, 20, NaN]);
    f.replay.assertWrittenOnce();
    assertEquals(await f.differences(), []);
  }));

Deno.test("setpoints of one name with other values are told apart", () =>
  following({ x: {}, y: {}, a: { on: ["x", "y"] }, b: { on: ["x", "y"] } }, {}, async (f) => {
    await f.add({ x: 0, y: 0, a: 0 }, { x: 7, y: 0, b: 70 }, { x: 1, y: 0, a: 1 });
    assertEquals(f.replay.variable("b").depends_on, ["x_1", "y_1"]);
    assertEquals([f.replay.array("x"), f.replay.array("a")], [[0, 1], [0, 1]]);
    assertEquals([f.replay.array("x_1"), f.replay.array("b")], [[7], [70]]);
    await f.complete();
    assertEquals([f.replay.array("x"), await f.differences()], [[0, 1, 7], []]);
  }));

Deno.test("a grid without shape is listed point by point, and laid out when it is over", () =>
  following({ x: {}, y: {}, s: { on: ["x", "y"] } }, {}, async (f) => {
    // To and fro.
    for (const i of range(12)) {
      await f.add({ x: Math.floor(i / 4), y: Math.floor(i / 4) % 2 ? 3 - i % 4 : i % 4, s: i });
    }
    assertEquals([f.replay.variable("s").dims, f.replay.epochs], [["index"], 1]);
    await f.complete();
    assertEquals([f.replay.variable("s").dims, f.replay.epochs], [["x", "y"], 2]);
    assertEquals(f.replay.array("s"), [0, 1, 2, 3, 7, 6, 5, 4, 8, 9, 10, 11]);
    f.replay.assertWrittenOnce();
    assertEquals(await f.differences(), []);
  }));

Deno.test("what was not measured of a grid stays unwritten when it is laid out", () =>
  following({ x: {}, y: {}, s: { on: ["x", "y"] } }, { shapes: { s: [3, 3] } }, async (f) => {
    await f.add({ x: 2, y: 1, s: 21 }, { x: 2, y: 0, s: "nan" }, { x: 1, y: 1, s: 11 });
    await f.complete();
    assertEquals([f.replay.array("s"), f.replay.written("s")], [[NaN, 11, NaN, 21], [
      false,
      true,
      true,
      true,
    ]]);
    assertEquals(await f.differences(), []);
  }));

Deno.test("rows of arrays: their setpoints are inner axes, blocks stay whole", () =>
  following(
    {
      x: {},
      f: { type: "array" },
      s: { on: ["x", "f"], type: "array" },
      n: { on: ["x", "f"], type: "array" },
    },
    {},
    async ({ replay, add, complete, differences }) => {
      const f = npy([4], Float64Array.of(1, 2, 3, 4));
      for (const x of range(5)) {
        const s = npy([4], Float64Array.from(range(4), (k) => 10 * x + k));
        await add({ x, f, s }, { x, f, n: npy([4], BigInt64Array.from(range(4), (k) => BigInt(x * k))) });
      }
      assertEquals(replay.shape("s"), [5, 4]);
      assertEquals([replay.variable("n").dtype, replay.variable("s").dtype], ["i8", "f8"]);
      assertEquals(replay.journal.filter((c) => c.type === "patch" && c.var === "s").length, 5);
      await complete();
      replay.assertWrittenOnce();
      // The integers of n were not to be foreseen.
      assertEquals([await differences(), replay.epochs], [[], 2]);
    },
  ));

Deno.test("arrays on a grid, and arrays of two axes", () =>
  following(
    { x: {}, f: { type: "array" }, g: { type: "array" }, s: { on: ["x", "f", "g"], type: "array" } },
    { shapes: { s: [3, 2, 2] } },
    async ({ replay, add, complete, differences }) => {
      const [f, g] = [npy([2, 2], Float64Array.of(1, 1, 2, 2)), npy([2, 2], Float64Array.of(5, 6, 5, 6))];
      for (const x of range(3)) await add({ x, f, g, s: npy([2, 2], Float64Array.of(x, 1, 2, 3)) });
      await complete();
      assertEquals([await differences(), replay.epochs], [[], 1]);
    },
  ));

Deno.test("arrays of two axes without shape", () =>
  following(
    { x: {}, f: { type: "array" }, g: { type: "array" }, s: { on: ["x", "f", "g"], type: "array" } },
    {},
    async ({ replay, add, complete, differences }) => {
      const [f, g] = [
        npy([2, 3], Float64Array.of(1, 1, 1, 2, 2, 2)),
        npy([2, 3], Float64Array.of(5, 6, 7, 5, 6, 7)),
      ];
      for (const x of range(3)) await add({ x, f, g, s: npy([2, 3], Float64Array.of(x, 1, 2, 3, 4, 5)) });
      assertEquals(replay.variable("s").dims, ["x", "f", "g"]);
      await complete();
      assertEquals([await differences(), replay.epochs], [[], 1]);
    },
  ));

Deno.test("arrays of changing length and of changing type are listed", () =>
  following({ x: {}, f: { type: "array" }, s: { on: ["x", "f"], type: "array" } }, {}, async (t) => {
    await t.add({ x: 0, f: npy([2], Float64Array.of(1, 2)), s: npy([2], BigInt64Array.of(1n, 2n)) });
    assertEquals([t.replay.variable("s").dtype, t.replay.shape("s")], ["i8", [1, 2]]);
    await t.add({ x: 1, f: npy([1], Float64Array.of(1)), s: npy([1], Float64Array.of(0.5)) });
    assertEquals(t.replay.variable("s"), {
      ...t.replay.variable("s"),
      dtype: "f8",
      dims: ["index"],
      depends_on: ["x", "f"],
    });
    await t.complete();
    assertEquals([t.replay.array("x"), t.replay.array("f"), t.replay.array("s")], [[0, 0, 1], [1, 2, 1], [
      1,
      2,
      0.5,
    ]]);
    t.replay.assertWrittenOnce();
  }));

Deno.test("many rows come in bounded batches", () =>
  following({ x: {}, y: { on: ["x"] } }, {}, async (f) => {
    await f.add({ x: -1, y: -1 });
    const before = f.replay.looks;
    await f.add(...range(25_000).map((i) => ({ x: i, y: 2 * i })));
    // Three with rows, and two that find nothing more.
    assertEquals(f.replay.looks - before, 5);
    assertEquals(f.replay.journal.filter((c) => c.type === "patch" && c.var === "y").length, 4);
    assertEquals(f.replay.writtenCount("y"), 25_001);
    f.replay.assertWrittenOnce();
  }));

Deno.test("large arrays come in batches of some megabytes", () =>
  following({ x: {}, f: { type: "array" }, s: { on: ["x", "f"], type: "array" } }, {}, async (f) => {
    const points = Float64Array.from(range(100_000));
    const blob = npy([points.length], points);
    await f.add(...range(12).map((x) => ({ x, f: blob, s: blob })));
    const shapes = f.replay.journal.flatMap((c) => c.type === "patch" && c.var === "s" ? [c.shape] : []);
    assertEquals(shapes, [[6, 100_000], [6, 100_000]]);
  }));

Deno.test("long texts, too", () =>
  following({ x: {}, t: { on: ["x"], type: "text" } }, {}, async (f) => {
    await f.add(...range(6).map((x) => ({ x, t: "ü".repeat(1 << 20) })));
    const shapes = f.replay.journal.flatMap((c) => c.type === "patch" && c.var === "t" ? [c.shape] : []);
    assertEquals(shapes, [[4], [2]]);
  }));

Deno.test("an axis of text, one of complex numbers, and repeated scans in both directions", async (t) => {
  await t.step("text", () =>
    following({ x: { type: "text" }, y: { on: ["x"] } }, {}, async (f) => {
      await f.add({ x: "b", y: 1 }, { x: "a", y: 2 });
      await f.add({ x: "c", y: 3 });
      await f.complete();
      assertEquals([f.replay.cells("x"), await f.differences()], [["b", "a", "c"], []]);
    }));
  await t.step("complex", () =>
    following({ x: { type: "complex" }, y: { on: ["x"] } }, {}, async (f) => {
      const x = (re: number, im: number) => npy([1], Float64Array.of(re, im), true);
      await f.add({ x: x(1, 2), y: 1 }, { x: x(1, 3), y: 2 });
      assertEquals(f.replay.variable("y").dims, ["x"]);
      await f.add({ x: x(1, 2), y: 3 });
      await f.complete();
      assertEquals([f.replay.array("x"), await f.differences()], [[1, 2, 1, 3, 1, 2], []]);
    }));
  await t.step(
    "up and down without a value twice",
    () =>
      following({ x: {}, y: { on: ["x"] } }, {}, async (f) => {
        await f.add({ x: 0, y: 0 }, { x: 2, y: 1 }, { x: 4, y: 2 });
        await f.add({ x: 3, y: 3 }, { x: 1, y: 4 });
        await f.complete();
        assertEquals([f.replay.array("x"), f.replay.epochs, await f.differences()], [[0, 2, 4, 3, 1], 1, []]);
      }),
  );
});

Deno.test("a parameter without setpoints beside a sweep", () =>
  following({ a: {}, x: {}, b: { on: ["x"] } }, {}, async (f) => {
    await f.add({ a: 1 }, { x: 0, b: 0 }, { a: 1 });
    await f.complete();
    assertEquals([f.replay.array("a"), f.replay.variable("a").dims], [[1, 1], ["index"]]);
    assertEquals(await f.differences(), []);
  }));

Deno.test("a run without points, and one that is deleted", async (t) => {
  await t.step("nothing was measured", () =>
    following({ x: {}, y: { on: ["x"] } }, {}, async (f) => {
      await f.complete();
      assertEquals([f.replay.shape("y"), f.replay.end?.reason], [[0], "completed"]);
      assertEquals(await f.differences(), []);
    }));
  await t.step("its row is gone", () =>
    following({ x: {}, y: { on: ["x"] } }, {}, async (f) => {
      await f.add({ x: 0, y: 1 });
      f.lab.exec("DELETE FROM runs");
      await assertEnds(f);
      assertEquals([f.replay.end?.reason, f.replay.end?.complete], ["lost", false]);
    }));
});

Deno.test("another database in the place of the one that was followed", async (t) => {
  const parameters: Parameters = { x: {}, y: { on: ["x"] } };
  await t.step("with the same run: everything is told anew", async () => {
    using lab = new QcodesLab("DELETE");
    const run = lab.start(parameters);
    run.add({ x: 0, y: 1 }, { x: 1, y: 2 }, { x: 2, y: 3 });
    const session = await lab.follow(run.id);
    const replay = await new LiveReplay().drain(session);
    lab.close();
    const copy = `${lab.folder}/copy.db`;
    await Deno.copyFile(lab.path, copy);
    using other = new DatabaseSync(copy);
    other.exec(`DELETE FROM "${run.table}" WHERE id > 1`);
    other.close();
    await Deno.rename(copy, lab.path);
    await replay.drain(session);
    assertEquals([replay.epochs, replay.array("y")], [2, [1]]);
    await session.close();
  });
  await t.step("with other runs: the run is lost", async () => {
    using lab = new QcodesLab("DELETE");
    using second = new QcodesLab("DELETE");
    const run = lab.start(parameters);
    const session = await lab.follow(run.id);
    const replay = await new LiveReplay().drain(session);
    second.start({ ...parameters, z: {} });
    second.exec("UPDATE runs SET guid = 'another'");
    second.close();
    await Deno.rename(second.path, lab.path);
    await replay.drain(session);
    assertEquals(replay.end?.reason, "lost");
    await session.close();
  });
  await t.step("with nothing: it is lost once that has lasted", async () => {
    using lab = new QcodesLab("DELETE");
    let now = Date.now();
    const answer = await lab.live(lab.start(parameters).id, { now: () => now });
    assert(answer && "session" in answer);
    const replay = await new LiveReplay().drain(answer.session);
    lab.close();
    Deno.removeSync(lab.path);
    assertMatch((await answer.session.look()).delayed ?? "", /is missing/);
    now += 5000;
    await replay.drain(answer.session);
    assertEquals(replay.end?.reason, "lost");
    await answer.session.close();
  });
});

async function assertEnds(f: Followed): Promise<void> {
  await f.add();
  assert(f.replay.end, "the session goes on");
}

Deno.test("a run that ended while nobody followed it is told to its end", async () => {
  using lab = new QcodesLab();
  const run = lab.start({ x: {}, y: { on: ["x"] } });
  run.add({ x: 0, y: 1 }, { x: 1, y: 2 });
  run.complete();
  const answer = await lab.live(run.id, { resumed: true });
  assert(answer && "session" in answer);
  const replay = await new LiveReplay().drain(answer.session, { until: () => false });
  assertEquals([replay.array("y"), replay.end?.reason], [[1, 2], "completed"]);
  await answer.session.close();
});

Deno.test("what is busy at the end is laid out a moment later, and nothing is lost", async () => {
  using lab = new QcodesLab();
  const run = lab.start({ x: {}, y: {}, s: { on: ["x", "y"] } });
  const session = await lab.follow(run.id);
  assert(session instanceof RunSession);
  const replay = await new LiveReplay().drain(session);
  run.add(...range(4).map((i) => ({ x: i % 2, y: Math.floor(i / 2), s: i })));
  run.complete();
  const { follower } = session;
  const read = follower.read.bind(follower);
  let busy = 0;
  follower.read = (use) => {
    // The rows are read, the layout of the finished file is not.
    if (++busy > 1 && busy < 4) throw new SyncError("busy", "sqlite_busy", "busy", { hint: "wait" });
    return read(use);
  };
  await replay.drain(session, { until: () => false });
  assertEquals([replay.delays.length, replay.shape("s"), replay.array("s")], [2, [2, 2], [0, 2, 1, 3]]);
  assertEquals(replay.end?.reason, "completed");
  await session.close();
});

Deno.test("where asking takes long, as on a share, it is asked more rarely", async () => {
  using lab = new QcodesLab();
  const session = await lab.follow(lab.start({ x: {} }).id);
  assert(session instanceof RunSession);
  assertEquals(session.poll, { active: 15, quiet: 100 });
  const { follower } = session;
  const changed = follower.changed.bind(follower);
  follower.changed = () => {
    for (const start = performance.now(); performance.now() < start + 8;);
    return changed();
  };
  for (const _ of range(20)) session.look();
  assert(session.poll.active > 100 && session.poll.quiet > 300, JSON.stringify(session.poll));
  await session.close();
});

Deno.test("which runs are being measured", async (t) => {
  using lab = new QcodesLab();
  const parameters: Parameters = { x: {}, y: { on: ["x"] } };
  const reason = async (run: number, now?: () => number) => {
    const answer = await lab.live(run, now ? { now } : {});
    if (answer && "session" in answer) await answer.session.close();
    return answer && "not_live" in answer ? answer.not_live : "live";
  };
  await t.step("completed, created only, in memory, unknown, quiet", async () => {
    const done = lab.start(parameters);
    done.complete();
    assertMatch(await reason(done.id), /is completed/);
    assertMatch(await reason(lab.start(parameters, { started: null }).id), /not started/);
    assertMatch(await reason(lab.start(parameters, { table: false }).id), /kept in memory/);
    assertMatch(await reason(99), /no run 99/);
    const run = lab.start(parameters);
    assertEquals(await reason(run.id), "live");
    assertMatch(await reason(run.id, () => Date.now() + 700_000), /not written to for 10 minutes/);
  });
  await t.step("a run without start time that has rows", async () => {
    const run = lab.start(parameters, { started: null });
    run.add({ x: 0, y: 1 });
    assertEquals(await reason(run.id), "live");
  });
});
