/** Folders whose files grow, followed as the agent does; SWMR files are written by the HDF5 library itself. */
import * as h5 from "h5wasm/node";
import type { LiveAnswer, LiveSession } from "../../src/kit/live.ts";
import { assert, assertEquals, assertStringIncludes } from "../../tests/assert.ts";
import { LiveReplay } from "../../tests/live_replay.ts";
import { truthOfFile } from "./live/testing.ts";
import backend from "./mod.ts";

class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync();
  now = Date.now;

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  write(name: string, text: string, append = false): void {
    Deno.writeTextFileSync(this.file(name), text, { append });
  }

  info(text: string): this {
    this.write("_QH_dataset_info.yaml", text);
    return this;
  }

  async answer(live = false, resumed = false): Promise<LiveAnswer> {
    const config = { root_directory: this.path, is_server_folder: false, level: -1, live };
    const context = {
      temp: this.path,
      timeZone: "UTC",
      now: () => this.now(),
      ...(resumed ? { resumed } : {}),
    };
    assert(backend.live);
    return await backend.live(config, { identifier: "x", path: this.path }, context);
  }

  async follow(): Promise<LiveSession & Disposable> {
    const answer = await this.answer();
    assert("session" in answer, JSON.stringify(answer));
    const { session } = answer;
    return Object.assign(session, { [Symbol.dispose]: () => void session.close() });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A writer as h5py's in SWMR mode: x grows, y is fixed, z grows by rows of y; a group with 64-bit integers. */
class SwmrWriter {
  readonly #file: h5.File;
  rows = 0;

  constructor(path: string) {
    this.#file = new h5.File(path, "w", { libver: "v110" });
    this.#file.create_attribute("title", "cooldown 7");
    const x = this.#create("x", [0], [null], [8], "<d");
    const y = this.#file.create_dataset({ name: "y", data: new Float64Array([0, 1, 2]), shape: [3] });
    const z = this.#create("z", [0, 3], [null, 3], [4, 3], "<d");
    this.#file.create_group("counts");
    const n = this.#create("counts/n", [0], [null], [8], "<q");
    x.make_scale("x");
    y.make_scale("y");
    z.attach_scale(0, "/x");
    z.attach_scale(1, "/y");
    n.attach_scale(0, "/x");
    for (const [dataset, units] of [[x, "V"], [z, "A"]] as const) dataset.create_attribute("units", units);
    this.#file.flush();
    this.#file.start_swmr_write();
  }

  append(): void {
    const row = this.rows++;
    this.#put("x", [this.rows], [[row, row + 1]], new Float64Array([this.rows * 0.1]));
    // A real NaN reading is data, and so is a zero.
    this.#put("z", [this.rows, 3], [[row, row + 1], [0, 3]], new Float64Array([this.rows, NaN, 0]));
    this.#put("counts/n", [this.rows], [[row, row + 1]], new BigInt64Array([2n ** 60n + BigInt(row)]));
    this.#file.flush();
  }

  /** Writes a row again, as averaging does. */
  correct(row: number): void {
    this.#put("x", [this.rows], [[row, row + 1]], new Float64Array([-1]));
    this.#file.flush();
  }

  close(): void {
    this.#file.close();
  }

  #create(name: string, shape: number[], maxshape: (number | null)[], chunks: number[], dtype: string) {
    const data = dtype === "<q" ? new BigInt64Array(0) : new Float64Array(0);
    return this.#file.create_dataset({ name, data, shape, maxshape, chunks, dtype });
  }

  #put(
    name: string,
    shape: number[],
    range: Parameters<h5.Dataset["write_slice"]>[0],
    values: Float64Array | BigInt64Array,
  ): void {
    const dataset = this.#file.get(name);
    assert(dataset instanceof h5.Dataset);
    dataset.resize(shape);
    dataset.write_slice(range, values);
  }
}

Deno.test("a SWMR file is followed row by row, until its writer closes it", async () => {
  await h5.ready;
  using folder = new Folder().info("live: true\ndataset_name: sweep\nattributes: {fridge: K}\n");
  const writer = new SwmrWriter(folder.file("run.h5"));
  using session = await folder.follow();
  const replay = new LiveReplay();
  await replay.drain(session);
  assertEquals(replay.structure.name, "sweep");
  assertEquals(replay.structure.attrs, { fridge: "K", title: "cooldown 7" });
  const { dims, units, depends_on, role } = replay.variable("z");
  assertEquals({ dims, units, depends_on, role }, {
    dims: ["x", "y"],
    units: "A",
    depends_on: ["x", "y"],
    role: "measured",
  });
  assertEquals([replay.variable("x").role, replay.variable("counts/n").dtype], ["setpoint", "i8"]);
  for (let row = 0; row < 30; row++) {
    writer.append();
    await replay.drain(session);
    assertEquals(replay.shape("z"), [row + 1, 3]);
    assertEquals(replay.cells("x"), Array.from({ length: row + 1 }, (_, i) => (i + 1) * 0.1));
    // Of the newest row, what equals the fill value may not be written yet.
    assert(replay.writtenCount("z") >= 3 * row, replay.summary());
  }
  assertEquals(replay.cells("counts/n").at(-1), 2n ** 60n + 29n);
  assertEquals(replay.end, undefined);
  writer.close();
  await replay.drain(session, { until: () => replay.end !== undefined, maxLooks: 50 });
  assertEquals([replay.end?.reason, replay.end?.complete], ["completed", true]);
  assertStringIncludes(replay.end?.evidence ?? "", "SWMR flag");
  replay.assertWrittenOnce();
  replay.assertWhole();
  assertEquals(replay.differences(await truthOfFile(folder.file("run.h5"))), []);
});

Deno.test("a value that is written again is sent again, and the last row is given whole in the end", async () => {
  await h5.ready;
  using folder = new Folder().info("live: true\n");
  const writer = new SwmrWriter(folder.file("run.h5"));
  for (let row = 0; row < 5; row++) writer.append();
  using session = await folder.follow();
  const replay = await new LiveReplay().drain(session);
  writer.correct(1);
  await replay.drain(session, { until: () => replay.cells("x")[1] === -1, maxLooks: 50 });
  // The zero of the newest row can not be told from one that is still to come, until nothing comes any more.
  assertEquals(replay.written("z").slice(-3), [true, true, false]);
  await replay.drain(session, { until: () => replay.written("z").at(-1) === true, maxLooks: 60 });
  writer.close();
});

Deno.test("a run that began anew under the same name is a new structure", async () => {
  await h5.ready;
  using folder = new Folder().info("live: true\n");
  const first = new SwmrWriter(folder.file("run.h5"));
  for (let row = 0; row < 5; row++) first.append();
  using session = await folder.follow();
  const replay = await new LiveReplay().drain(session);
  first.close();
  const second = new SwmrWriter(folder.file("next.h5"));
  second.append();
  Deno.renameSync(folder.file("next.h5"), folder.file("run.h5"));
  await replay.drain(session, {
    until: () => replay.epochs === 2 && replay.writtenCount("x") === 1,
    maxLooks: 50,
  });
  second.close();
});

Deno.test("a file that was closed while nobody followed it is read to its end", async () => {
  await h5.ready;
  using folder = new Folder().info("live: true\n");
  const writer = new SwmrWriter(folder.file("run.h5"));
  for (let row = 0; row < 5; row++) writer.append();
  writer.close();
  assert("not_live" in await folder.answer());
  const answer = await folder.answer(false, true);
  assert("session" in answer);
  const replay = await new LiveReplay().drain(answer.session, { until: () => false, maxLooks: 50 });
  await answer.session.close();
  assertEquals([replay.end?.reason, replay.shape("z")], ["completed", [5, 3]]);
  replay.assertWhole();
});

Deno.test("rows of a table are given when their line is complete, with the converter's names", async () => {
  using folder = new Folder().info("live: true\n");
  folder.write("t.csv", "time (s),V [mV],no");
  using session = await folder.follow();
  const replay = new LiveReplay();
  const looked = await session.look();
  assertStringIncludes(looked.delayed ?? "", "no header");
  folder.write("t.csv", "te\r\n0,1.5,a\r\n1,", true);
  await replay.drain(session, { until: () => replay.writtenCount("time") === 1 });
  assertEquals(replay.structure.variables.map((v) => [v.name, v.units, v.dtype, v.dims]), [
    ["time", "s", "f8", ["index"]],
    ["V", "mV", "f8", ["index"]],
    ["note", null, "text", ["index"]],
  ]);
  folder.write("t.csv", '2.5,"b, ""c""\n', true);
  await replay.drain(session);
  assertEquals(replay.shape("time"), [1]);
  folder.write("t.csv", 'd"\n2,,e\n3,4', true);
  await replay.drain(session, { until: () => replay.writtenCount("time") === 3 });
  assertEquals(replay.array("V"), [1.5, 2.5, NaN]);
  assertEquals(replay.cells("note"), ["a", 'b, "c"\nd', "e"]);
  replay.assertWrittenOnce();
  assertEquals(replay.epochs, 1);
});

Deno.test("a column that turns out to be text, and a table that is written anew, are new structures", async () => {
  using folder = new Folder().info("live: true\n");
  folder.write("t.txt", "a\tb\n1\t2\n");
  using session = await folder.follow();
  const replay = await new LiveReplay().drain(session);
  assertEquals(replay.array("b"), [2]);
  folder.write("t.txt", "3\tx\n", true);
  await replay.drain(session, { until: () => replay.writtenCount("a") === 2 });
  assertEquals([replay.variable("b").dtype, replay.cells("b")], ["text", ["2", "x"]]);
  folder.write("t.txt", "c\n7\n");
  await replay.drain(session, { until: () => replay.writtenCount("c") === 1 });
  assertEquals([replay.names, replay.epochs], [["c"], 3]);
});

Deno.test("a file that begins to grow later joins, and several tell their variables apart", async () => {
  using folder = new Folder().info("live: true\n");
  folder.write("a.csv", "v\n1\n");
  using session = await folder.follow();
  const replay = await new LiveReplay().drain(session);
  folder.write("b.csv", "v\n2\n");
  folder.now = () => Date.now() + 10_000;
  await replay.drain(session, { until: () => replay.writtenCount("b/v") === 1 });
  assertEquals([replay.array("a/v"), replay.array("b/v")], [[1], [2]]);
});

Deno.test("a file that is taken away ends its session as lost, one that is replaced does not", async () => {
  using folder = new Folder().info("live: true\n");
  folder.write("a.csv", "v\n1\n");
  using session = await folder.follow();
  const replay = await new LiveReplay().drain(session);
  Deno.removeSync(folder.file("a.csv"));
  assertStringIncludes((await session.look()).delayed ?? "", "a.csv is missing");
  folder.write("a.csv", "v\n1\n2\n");
  await replay.drain(session, { until: () => replay.writtenCount("v") === 2 });
  folder.now = () => Date.now() + 10_000;
  Deno.removeSync(folder.file("a.csv"));
  assertStringIncludes((await session.look()).delayed ?? "", "a.csv is missing");
  folder.now = () => Date.now() + 16_000;
  const { end } = await session.look();
  assertEquals([end?.reason, end?.complete], ["lost", false]);
});

Deno.test("only what runs and is to be followed has a session", async () => {
  using folder = new Folder().info("dataset_name: x\n");
  folder.write("t.csv", "a\n1\n");
  const reason = async (live: boolean) => {
    const answer = await folder.answer(live);
    return "not_live" in answer ? answer.not_live : "live";
  };
  assertStringIncludes(await reason(false), "live: true");
  assertEquals(await reason(true), "live");
  folder.info("live: false\n");
  assertStringIncludes(await reason(true), "live: true");
  folder.info("live: true\nskip: ['*.csv']\n");
  assertStringIncludes(await reason(false), "no table grew");
  folder.info("live: true\n");
  folder.now = () => Date.now() + 121_000;
  assertStringIncludes(await reason(false), "no table grew");
});
