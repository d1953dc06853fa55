/** Runs that RunWriter writes, followed meanwhile. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import type { LiveAnswer, LiveContext } from "../../src/kit/live.ts";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { LiveReplay } from "../../tests/live_replay.ts";
import { ResonanceReader } from "../../tests/read_resonance.ts";
import backend, { RunWriter, type RunWriterOptions } from "./mod.ts";
import { WriterFolder } from "./writer/testing.ts";

class LiveLab implements Disposable {
  readonly #folder = new WriterFolder();
  readonly path = this.#folder.path("b.db");
  readonly store = this.#folder.path("b.zarr");
  readonly feeds = `${this.path}-live`;
  readonly config = { database_path: this.path };

  writer(options: RunWriterOptions = {}): RunWriter {
    return new RunWriter(this.path, { name: "s", serial: "7" }, options).open();
  }

  async answer(uid: string, context: Partial<LiveContext> = {}): Promise<LiveAnswer> {
    return await backend.live(this.config, { identifier: uid, path: "" }, {
      ...{ temp: "", timeZone: "UTC", now: () => Date.now() },
      ...context,
    });
  }

  async follow(uid: string, context: Partial<LiveContext> = {}) {
    const answer = await this.answer(uid, context);
    assert("session" in answer, JSON.stringify(answer));
    const { session } = answer;
    return Object.assign(session, { [Symbol.dispose]: () => void session.close() });
  }

  /** What differs between the session's end and the files that the run becomes. */
  async differences(uid: string, replay: LiveReplay): Promise<string[]> {
    using reader = new ResonanceReader(this.config);
    const { netcdf } = await reader.run(uid);
    return Object.entries(netcdf).flatMap(([file, { variables }]) => {
      const image = /^images\/(.*)/.exec(file)?.[1];
      const truth = Object.fromEntries(
        Object.entries(variables).map((
          [name, variable],
        ) => [image === undefined || name === image ? name : `${image}.${name}`, variable]),
      );
      return replay.differences({ variables: truth }, Object.keys(truth));
    });
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

const image = (n: number) => ({
  data: Uint16Array.from({ length: 6 }, (_, i) => 100 * n + i),
  shape: [2, 3],
});

Deno.test("a run shows its variables at once, images as they come, events when they are committed", async () => {
  using lab = new LiveLab();
  using writer = lab.writer();
  const uid = writer.openRun("scan", { metadata: { proposal: "P-1" } });
  using session = await lab.follow(uid);
  const replay = await new LiveReplay().drain(session);
  assertEquals(replay.structure.name, "scan s");
  assertEquals([replay.structure.attrs.serial, replay.structure.attrs.proposal], ["7", "P-1"]);
  writer.openStream("primary", {
    energy: { dtype: "number", units: "eV" },
    label: { dtype: "string" },
    shutter: { dtype: "boolean" },
  });
  await replay.drain(session);
  assertEquals(replay.names, ["seq_num", "time", "energy", "label", "shutter"]);
  assertEquals(replay.variable("energy"), {
    ...{ name: "energy", dtype: "f8", dims: ["event"], shape: [0], role: "measured" },
    ...{ units: "eV", long_name: "energy", depends_on: ["seq_num"] },
  });
  for (let n = 0; n < 5; n++) {
    const event = writer.writeEvent({ energy: n === 2 ? NaN : 280 + n, label: `p${n}`, shutter: n > 2 });
    writer.writeImage(event, "ccd", image(n));
    await replay.drain(session);
    assertEquals(replay.shape("ccd"), [n + 1, 2, 3]);
    assertEquals(replay.array("ccd").slice(-6), [...image(n).data]);
  }
  assertEquals(replay.writtenCount("energy"), 0, "nobody sees events before they are committed");
  writer.closeRun();
  await replay.drain(session);
  assertEquals(replay.end, {
    reason: "completed",
    evidence: "exit_status is success; the last of 5 events and 5 images was read",
    complete: true,
  });
  assertEquals(replay.array("ccd.seq_num"), [1, 2, 3, 4, 5]);
  replay.assertWrittenOnce();
  replay.assertWhole();
  assertEquals(await lab.differences(uid, replay), []);
});

Deno.test("a writer that shows its events has them seen before they are committed", async () => {
  using lab = new LiveLab();
  using writer = lab.writer({ live: true });
  const uid = writer.openRun("scan");
  writer.openStream("primary", { x: {} });
  using session = await lab.follow(uid);
  const replay = await new LiveReplay().drain(session);
  for (let n = 0; n < 4; n++) {
    writer.writeImage(writer.writeEvent({ x: n === 1 ? NaN : n }), "ccd", image(n));
    await replay.drain(session);
    assertEquals([replay.shape("x"), replay.writtenCount("x")], [[n + 1], n + 1]);
    assertEquals(replay.array("ccd.seq_num"), Array.from({ length: n + 1 }, (_, i) => i + 1));
  }
  const feed = join(lab.feeds, `${uid}.ndjson`);
  const torn = '{"uid":"x","stream":"';
  Deno.writeTextFileSync(feed, torn, { append: true });
  await replay.drain(session);
  writer.closeRun({ exitStatus: "aborted" });
  assert(
    !Array.from(Deno.readDirSync(join(lab.path, ".."))).some((e) => e.name.endsWith("-live")),
    "it is gone",
  );
  await replay.drain(session);
  assertEquals([replay.end?.reason, replay.shape("x")], ["completed", [4]]);
  replay.assertWrittenOnce();
  assertEquals(await lab.differences(uid, replay), []);
});

Deno.test("what a feed left out comes with the commit", async () => {
  using lab = new LiveLab();
  using writer = lab.writer({ live: true });
  const uid = writer.openRun("scan");
  using session = await lab.follow(uid);
  const replay = await new LiveReplay().drain(session);
  writer.openStream("primary", { x: {} });
  for (let n = 0; n < 3; n++) writer.writeEvent({ x: n });
  const feed = join(lab.feeds, `${uid}.ndjson`);
  const [first = "", second = "", third = ""] = Deno.readTextFileSync(feed).split("\n");
  Deno.writeTextFileSync(feed, [first, "?".repeat(second.length), third, ""].join("\n"));
  await replay.drain(session);
  assertEquals(replay.array("x"), [0, 2]);
  writer.closeRun();
  await replay.drain(session);
  assertEquals([replay.array("x"), replay.end?.reason], [[0, 1, 2], "completed"]);
  replay.assertWrittenOnce();
  assertEquals(await lab.differences(uid, replay), []);
});

Deno.test("a feed that cannot be written costs the run nothing", () => {
  using lab = new LiveLab();
  Deno.writeTextFileSync(lab.feeds, "a file where the folder would be");
  {
    using writer = lab.writer({ live: true });
    writer.openRun("scan");
    writer.openStream("primary", {});
    writer.writeEvent({ x: 1 });
  }
  using db = new DatabaseSync(lab.path);
  assertEquals(db.prepare("SELECT num_events AS n FROM runs").get()?.n, 1);
});

Deno.test("fields that nobody announced, lists, times and a further stream are new epochs", async () => {
  using lab = new LiveLab();
  using writer = lab.writer({ live: true });
  const uid = writer.openRun("scan");
  writer.openStream("primary", { x: { dtype: "number" } });
  using session = await lab.follow(uid);
  const replay = await new LiveReplay().drain(session);
  writer.writeEvent({ x: 1 });
  await replay.drain(session);
  writer.writeEvent({ x: 2, more: "a" }, { x: 1.5 });
  writer.writeEvent({ trace: [1, 2] });
  writer.writeEvent({ x: 4, more: "b", trace: [3, 4, 5] });
  await replay.drain(session);
  assertEquals([replay.epochs, replay.shape("trace")], [2, [4, 3]]);
  assertEquals(replay.written("x"), [true, true, false, true]);
  writer.writeEvent({ x: "five" });
  await replay.drain(session);
  assertEquals([replay.variable("x").dtype, replay.cells("x").at(-1)], ["text", "five"]);
  writer.openStream("baseline", { t: { dtype: "number" } });
  writer.writeEvent({ t: 300 });
  await replay.drain(session);
  assertEquals(replay.variable("baseline.t").dims, ["baseline.event"]);
  assertEquals(replay.array("baseline.t"), [300]);
  writer.closeRun();
  await replay.drain(session);
  assertEquals(replay.end?.reason, "completed");
  using reader = new ResonanceReader(lab.config);
  const { netcdf } = await reader.run(uid);
  assertEquals(
    replay.differences({ variables: netcdf.primary?.variables ?? {} }, [
      ...["seq_num", "time", "x", "more", "trace", "x_timestamp"],
    ]),
    [],
  );
  assertEquals(replay.array("baseline.seq_num"), [6]);
});

Deno.test("large images come in slices", async () => {
  using lab = new LiveLab();
  using writer = lab.writer();
  const uid = writer.openRun("scan");
  writer.openStream("primary", {});
  using session = await lab.follow(uid);
  const replay = await new LiveReplay().drain(session);
  const [rows, columns] = [730, 720];
  const data = Float32Array.from({ length: rows * columns }, (_, i) => i);
  writer.writeImage(writer.writeEvent({}), "ccd", { data, shape: [rows, columns] });
  let looks = 0;
  for (let more = true; more; looks++) {
    const look = await session.look();
    for (const change of look.changes) {
      if (change.type === "patch") assert(change.values.length <= 512 * 1024);
    }
    replay.apply(look.changes);
    more = look.more ?? false;
  }
  assertEquals(looks, 2, "2.1 MiB in slices of at most 4 MiB as doubles");
  replay.assertWrittenOnce(["ccd"]);
  replay.assertWhole(["ccd"]);
  assertEquals(replay.array("ccd").at(-1), rows * columns - 1);
});

Deno.test("a frame is shown when all of it is there", async () => {
  using lab = new LiveLab();
  using writer = lab.writer();
  const uid = writer.openRun("scan");
  writer.openStream("primary", {});
  let now = Date.now();
  using session = await lab.follow(uid, { now: () => now });
  for (let n = 0; n < 3; n++) writer.writeImage(writer.writeEvent({}), "ccd", image(n));
  const chunk = (n: number) => join(lab.store, "runs", uid, "ccd", `${n}.0.0`);
  const whole = Deno.readFileSync(chunk(2));
  Deno.removeSync(chunk(2));
  const replay = await new LiveReplay().drain(session);
  assertEquals(replay.shape("ccd"), [2, 2, 3], "a place without a frame is none yet");
  Deno.writeFileSync(chunk(2), whole.subarray(0, whole.length - 5));
  const torn = await session.look();
  assertEquals([torn.changes, torn.end], [[], undefined]);
  assertMatch(torn.delayed ?? "", /ccd/);
  Deno.writeFileSync(chunk(2), whole);
  await replay.drain(session);
  assertEquals(replay.array("ccd").slice(-6), [...image(2).data]);

  for (let n = 3; n < 6; n++) writer.writeImage(writer.writeEvent({}), "ccd", image(n));
  Deno.removeSync(chunk(3));
  Deno.writeTextFileSync(chunk(4), "no image");
  replay.apply((await session.look()).changes);
  now += 10_000;
  await replay.drain(session, { until: () => replay.writtenCount("ccd") >= 30 });
  assertEquals(
    replay.array("ccd").slice(18, 24),
    [0, 0, 0, 0, 0, 0],
    "left out because it holds the fill value",
  );
  assertEquals(replay.written("ccd").slice(24, 30), Array(6).fill(false), "damaged, so passed over");
  assertEquals(replay.array("ccd").slice(30), [...image(5).data]);
});

Deno.test("what has ended, rests or is gone does not run; discovery says what may", async () => {
  using lab = new LiveLab();
  let [ended, left] = ["", ""];
  {
    using writer = lab.writer();
    ended = writer.openRun("scan");
    writer.closeRun();
    left = writer.openRun("scan");
    writer.close();
  }
  for (
    const [uid, now, reason] of [
      [ended, 0, /has ended \(success\)/],
      [left, 11 * 60_000, /no sign of life/],
      ["0".repeat(32), 0, /has no run/],
    ] as const
  ) {
    const answer = await lab.answer(uid, { now: () => Date.now() + now });
    assert("not_live" in answer);
    assertMatch(answer.not_live, reason);
  }
  using session = await lab.follow(ended, { resumed: true });
  const replay = await new LiveReplay().drain(session);
  assertEquals(replay.end?.reason, "completed", "one that was followed a moment ago is read to its end");
  const { items } = await backend.discover(lab.config, undefined);
  assertEquals(items.filter((i) => i.running).map((i) => i.identifier), [left]);
});

Deno.test("a run that is deleted is lost", async () => {
  using lab = new LiveLab();
  using writer = lab.writer();
  const uid = writer.openRun("scan");
  using session = await lab.follow(uid);
  const replay = await new LiveReplay().drain(session);
  {
    using db = new DatabaseSync(lab.path);
    db.prepare("DELETE FROM runs").run();
  }
  await replay.drain(session);
  assertEquals([replay.end?.reason, replay.end?.complete], ["lost", false]);
});
