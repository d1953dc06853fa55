import { join } from "node:path";
import { assert, assertEquals, assertMatch } from "../../../tests/assert.ts";
import { containers, FIXTURES } from "../testing.ts";
import { ContainerSession } from "./container_session.ts";
import { column, Container, follow, Lab, range, unmeasured } from "./testing.ts";

const filled = (length: number, upTo: number, value = (i: number) => Math.sin(i)) =>
  range(length).map((i) => i < upTo ? value(i) : NaN);

Deno.test("a run is told point by point, and ends when all is written and the file rests", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write([column("x0", range(20)), column("y0", unmeasured(20))]);
  const session = await lab.session(run);
  const replay = await follow(session);
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
    await follow(session, replay);
    assertEquals(replay.written("y0"), range(20).map((i) => i < upTo), `${upTo} points`);
  }
  replay.assertWrittenOnce();
  assertEquals(await run.differences(replay), []);
  assertEquals(replay.end, undefined);
  lab.now += 1900;
  await follow(session, replay);
  assertEquals(replay.end, undefined, "not two seconds yet");
  lab.now += 200;
  await follow(session, replay);
  assertEquals([replay.end?.reason, replay.end?.complete], ["filled", true]);
  assertMatch(replay.end?.evidence ?? "", /all 20 points .* 2\.1 s/);
});

/** Files of the fixtures that cannot be read. */
const BROKEN = /720897|2f7462/;

/** A grid of 4 × 3 points, the first setpoint fastest. */
const GRID = [
  column("x0", range(12).map((i) => i % 4)),
  column("x1", range(12).map((i) => 2 - Math.floor(i / 4))),
];

Deno.test("points on a grid come in its shape, in whatever order they are measured", async () => {
  const orders = {
    "row by row": range(12),
    "back to front": range(12).toReversed(),
    mixed: [7, 0, 11, 3, 5, 1, 8, 2, 10, 4, 9, 6],
  };
  for (const [name, order] of Object.entries(orders)) {
    await using lab = await Lab.open();
    const run = await lab.container();
    await run.write([...GRID, column("y0", unmeasured(12))]);
    const session = await lab.session(run);
    const replay = await follow(session);
    assertEquals(replay.shape("y0"), [4, 3]);
    assertEquals(replay.variable("y0").depends_on, ["x0", "x1"]);
    assertEquals([replay.array("x0"), replay.array("x1")], [[0, 1, 2, 3], [0, 1, 2]]);
    for (const k of [1, 2, 5, 9, 12]) {
      const done = new Set(order.slice(0, k));
      await run.write([...GRID, column("y0", range(12).map((i) => done.has(i) ? i / 8 : NaN))]);
      await follow(session, replay);
      assertEquals(replay.writtenCount("y0"), k, name);
      assertEquals(await run.differences(replay), [], `${name}, ${k} points`);
    }
    replay.assertWrittenOnce();
  }
});

Deno.test("points on no grid stay a list; complex and single numbers, whole setpoints keep their types", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  const x = [
    { name: "x0", values: BigInt64Array.of(3n, 1n, 2n, 2n) },
    column("x1", [0.5, 0.25, 0.5, 0.5]),
  ];
  const at = (n: number) => [
    ...x,
    {
      name: "y0",
      isComplex: true,
      values: Float64Array.from(range(8), (i) => i < 2 * n ? i : i % 2 ? 0 : NaN),
    },
    { name: "y1", values: Float32Array.from(range(4), (i) => i < n ? i + 0.5 : NaN) },
  ];
  await run.write(at(0));
  const session = await lab.session(run);
  const replay = await follow(session);
  assertEquals(replay.structure.variables.map(({ name, dtype, dims, shape }) => [name, dtype, dims, shape]), [
    ["x0", "i8", ["dim_0"], [4]],
    ["x1", "f8", ["dim_0"], [4]],
    ["y0", "c16", ["dim_0"], [4]],
    ["y1", "f8", ["dim_0"], [4]],
  ]);
  for (const n of [1, 3, 4]) {
    await run.write(at(n));
    await follow(session, replay);
    assertEquals([replay.writtenCount("y0"), replay.writtenCount("y1")], [n, n]);
  }
  assertEquals(await run.differences(replay), []);
});

Deno.test("averages are told again when they change, and the run goes on while the file is rewritten", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write([column("x0", range(6)), column("y0", filled(6, 6, () => 1))]);
  const session = await lab.session(run);
  const replay = await follow(session);
  assertEquals(replay.writtenCount("y0"), 6, "it is live though every cell is written");
  for (let pass = 1; pass < 4; pass++) {
    for (const upTo of [3, 6]) {
      await run.write([
        column("x0", range(6)),
        column("y0", range(6).map((i) => 1 / (pass + (i < upTo ? 1 : 0)))),
      ], 1900);
      await follow(session, replay);
      assertEquals(await run.differences(replay), []);
      assertEquals(replay.end, undefined);
    }
  }
  assertEquals(replay.writes("y0"), new Array(6).fill(4));
  lab.now += 3700;
  await follow(session, replay);
  assertEquals(replay.end, undefined, "it has been rewritten every 1.9 s");
  lab.now += 200;
  await follow(session, replay);
  assertEquals(replay.end?.reason, "filled");
});

Deno.test("NaN is a reading where another variable shows that its point was measured", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  const order = [4, 1, 9, 0, 7, 2, 8, 3, 6, 5], broken = new Set([1, 7, 5]);
  const at = (n: number) => {
    const done = new Set(order.slice(0, n));
    const values = (nan: Set<number>) => range(10).map((i) => done.has(i) && !nan.has(i) ? i : NaN);
    return [column("x0", range(10)), column("y0", values(new Set())), column("y1", values(broken))];
  };
  await run.write(at(0));
  const session = await lab.session(run);
  const replay = await follow(session);
  for (const n of range(11).slice(1)) {
    await run.write(at(n));
    await follow(session, replay);
    assertEquals([replay.writtenCount("y0"), replay.writtenCount("y1")], [n, n], `${n} points`);
  }
  assertEquals(await run.differences(replay), []);
  replay.assertWrittenOnce();
  lab.now += 3000;
  await follow(session, replay);
  assertEquals(replay.end?.reason, "filled", "readings that are NaN do not keep it from being full");
});

Deno.test("NaN is a reading where the points come in order and a later one has a value", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  const at = (
    n: number,
  ) => [column("x0", range(60)), column("y0", filled(60, n, (i) => i % 10 === 4 ? NaN : i))];
  await run.write(at(0));
  const session = await lab.session(run);
  const replay = await follow(session);
  for (let n = 4; n <= 60; n += 4) {
    await run.write(at(n));
    await follow(session, replay);
    if (n >= 32) assertEquals(replay.written("y0"), range(60).map((i) => i < n), `${n} points`);
  }
  replay.assertWrittenOnce();
  assertEquals(await run.differences(replay), []);
});

Deno.test("without evidence NaN is not measured: points in any order, variables one after the other", async () => {
  const values = (order: number[], n: number) => {
    const done = new Set(order.slice(0, n));
    return column("y0", range(40).map((i) => done.has(i) ? i : NaN));
  };
  const cases = {
    "in any order": (n: number) => [values(range(40).map((i) => i * 17 % 40), n)],
    "every other one first": (
      n: number,
    ) => [values(range(40).map((i) => i * 2 % 40 + Math.floor(i / 20)), n)],
    "column by column": (n: number) => [values(range(40).map((i) => i * 8 % 40 + Math.floor(i / 5)), n)],
    "one after the other": (n: number) => [
      column("y0", filled(40, 2 * n)),
      column("y1", filled(40, 2 * n - 40)),
    ],
  };
  for (const [name, measured] of Object.entries(cases)) {
    await using lab = await Lab.open();
    const run = await lab.container();
    const session = await (async () => {
      await run.write([column("x0", range(40)), ...measured(0)]);
      return await lab.session(run);
    })();
    const replay = await follow(session);
    for (let n = 3; n <= 40; n += 3) {
      await run.write([column("x0", range(40)), ...measured(n)]);
      await follow(session, replay);
      for (const { name: y, values } of measured(n)) {
        assertEquals(
          replay.written(y),
          Array.from<unknown, boolean>(values, (v) => !Number.isNaN(Number(v))),
          `${name}: ${y} at ${n}`,
        );
      }
    }
  }
});

Deno.test("setpoints that grow and are cut at the end change the extent", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  const at = (n: number, room: number) => [
    column("x0", range(room).map((i) => i < n ? Math.cos(i) : NaN)),
    column("y0", range(room).map((i) => i < n ? i : NaN)),
  ];
  await run.write(at(0, 8));
  const session = await lab.session(run);
  const replay = await follow(session);
  for (
    const [n, room] of [[3, 8], [8, 8], [9, 16], [30, 32], [32, 32], [33, 64], [41, 64], [41, 41]] as const
  ) {
    await run.write(at(n, room));
    await follow(session, replay);
    assertEquals([replay.shape("x0"), replay.shape("y0")], [[room], [room]]);
    assertEquals([replay.writtenCount("x0"), replay.writtenCount("y0")], [n, n]);
  }
  assertEquals(replay.epochs, 1);
  replay.assertWrittenOnce();
  assertEquals(await run.differences(replay), []);
  // Cut off and measured again: what was beyond the end is new.
  await run.write(at(10, 20));
  await follow(session, replay);
  await run.write(at(41, 41));
  await follow(session, replay);
  assertEquals(await run.differences(replay), []);
});

Deno.test("another structure is a new beginning", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  await run.write([...GRID, column("y0", range(12))]);
  const session = await lab.session(run);
  const replay = await follow(session);
  await run.write([...GRID, column("y0", range(12)), column("y1", unmeasured(12))]);
  await follow(session, replay);
  assertEquals([replay.epochs, replay.names], [2, ["x0", "x1", "y0", "y1"]]);
  assertEquals(await run.differences(replay), []);
  const [x0, x1] = GRID;
  assert(x0 && x1);
  const moved = column("x0", Array.from<unknown, number>(x0.values, (v) => 2 * Number(v)));
  await run.write([moved, x1, column("y0", range(12)), column("y1", unmeasured(12))]);
  await follow(session, replay);
  assertEquals([replay.epochs, replay.array("x0")], [3, [0, 2, 4, 6]]);
  assertEquals(await run.differences(replay), []);
});

Deno.test("what is told of every fixture file is what it becomes, with its holes", async () => {
  await using lab = await Lab.open();
  let files = 0;
  const roots = ["quantify-data", "old_layouts/quantify-data"].map((name) => join(FIXTURES, name));
  for (const folder of roots.flatMap((root) => containers(root).map((path) => join(root, path)))) {
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    if (BROKEN.test(folder) || !names.includes("dataset.hdf5")) continue;
    const temp = await Deno.makeTempDir({ dir: lab.path });
    const session = new ContainerSession(folder, { temp, timeZone: "UTC", now: Date.now }, "fridge");
    try {
      // Containers of the fixtures are neighbours: each one but the last is over.
      const replay = await follow(session);
      assertEquals(await new Container(lab, folder).differences(replay), [], folder);
      replay.assertWrittenOnce();
      files++;
    } finally {
      session.close();
    }
  }
  assertEquals(files > 15, true, `only ${files} files`);
});

Deno.test("a rewrite that leaves the time stamp as it was is seen all the same", async () => {
  await using lab = await Lab.open();
  const run = await lab.container();
  // The clock of a file server that stamps in whole seconds.
  const stamp = Math.floor(Date.now() / 1000);
  const write = async (upTo: number) => {
    await run.write([column("x0", range(5)), column("y0", filled(5, upTo))]);
    await Deno.utime(run.file, stamp, stamp);
  };
  await write(1);
  const session = await lab.session(run);
  const replay = await follow(session);
  await write(4);
  await replay.drain(session, { until: () => replay.writtenCount("y0") === 4 });
  replay.assertWrittenOnce();
});
