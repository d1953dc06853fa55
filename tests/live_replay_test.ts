import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "./assert.ts";
import { LiveReplay, truthOf } from "./live_replay.ts";
import type { LiveChange, LiveLook, LiveOpen, LiveSession, LiveVariable } from "../src/kit/live.ts";

const variable = (name: string, more: Partial<LiveVariable> = {}): LiveVariable => ({
  name,
  dtype: "f8",
  dims: ["x"],
  shape: [0],
  role: "measured",
  units: null,
  long_name: null,
  depends_on: [],
  ...more,
});

const open = (...variables: LiveVariable[]): LiveOpen => ({
  type: "open",
  name: "run",
  attrs: {},
  variables,
});

const patch = (name: string, offset: number[], shape: number[], values: number[]): LiveChange => ({
  type: "patch",
  var: name,
  offset,
  shape,
  values: Float64Array.from(values),
});

Deno.test("Patches in any order, growing in both axes, land in their cells; NaN that was sent is written", () => {
  const replay = new LiveReplay();
  replay.apply([open(variable("i", { dims: ["y", "x"], shape: [0, 3] }))]);
  replay.apply([patch("i", [1, 1], [1, 2], [5, NaN]), patch("i", [0, 0], [1, 1], [1])]);
  assertEquals(replay.shape("i"), [2, 3]);
  assertEquals(replay.array("i"), [1, NaN, NaN, NaN, 5, NaN]);
  assertEquals(replay.written("i"), [true, false, false, false, true, true]);
  replay.apply([patch("i", [4, 2], [1, 2], [7, 8])]);
  assertEquals(replay.shape("i"), [5, 4]);
  assertEquals(replay.array("i").filter((v) => !Number.isNaN(v)), [1, 5, 7, 8]);
  replay.assertWrittenOnce();
  assertThrows(() => replay.assertWhole());
});

Deno.test("A smaller extent forgets the cells outside of it, also when it grows again", () => {
  const replay = new LiveReplay();
  replay.apply([open(variable("v")), patch("v", [0], [4], [1, 2, 3, 4])]);
  replay.apply([{ type: "extent", var: "v", shape: [2] }, { type: "extent", var: "v", shape: [3] }]);
  assertEquals(replay.array("v"), [1, 2, NaN]);
  assertEquals(replay.writtenCount("v"), 2);
});

Deno.test("Integers, complex numbers and text keep their values", () => {
  const replay = new LiveReplay();
  replay.apply([
    open(variable("n", { dtype: "i8" }), variable("c", { dtype: "c16" }), variable("t", { dtype: "text" })),
    { type: "patch", var: "n", offset: [0], shape: [1], values: BigInt64Array.of(2n ** 60n + 1n) },
    { type: "patch", var: "c", offset: [1], shape: [1], values: Float64Array.of(1, -2) },
    { type: "patch", var: "t", offset: [1], shape: [1], values: ["b"] },
  ]);
  assertEquals(replay.cells("n"), [2n ** 60n + 1n]);
  assertEquals(replay.array("c"), [NaN, NaN, 1, -2]);
  assertEquals(replay.cells("t"), ["", "b"]);
});

Deno.test("What does not fit the structure is refused", () => {
  const refused = (change: LiveChange, ...before: LiveChange[]) => {
    const replay = new LiveReplay();
    replay.apply([open(variable("v"), variable("n", { dtype: "i8" })), ...before]);
    return assertThrows(() => replay.apply([change])).message;
  };
  assertMatch(refused(patch("w", [0], [1], [1])), /w is no variable/);
  assertMatch(refused(patch("v", [0], [2], [1])), /1 values for shape 2/);
  assertMatch(refused(patch("v", [0, 0], [1, 1], [1])), /does not name 1 axes/);
  assertMatch(refused(patch("v", [-1], [1], [1])), /no list of whole numbers/);
  assertMatch(refused(patch("v", [0], [0], [])), /holds no cell/);
  assertMatch(refused(patch("n", [0], [1], [1])), /n \(i8\) comes as Float64Array/);
  assertMatch(refused({ type: "extent", var: "v", shape: [1, 1] }), /does not name 1 axes/);
  assertThrows(() => new LiveReplay().apply([patch("v", [0], [1], [1])]));
  assertThrows(() => new LiveReplay().apply([open(variable("v"), variable("v"))]));
  assertThrows(() => new LiveReplay().apply([open(variable("v", { depends_on: ["x"] }))]));
});

Deno.test("A cell that came twice is found", () => {
  const replay = new LiveReplay();
  replay.apply([open(variable("v")), patch("v", [0], [2], [1, 2]), patch("v", [1], [1], [2])]);
  assertEquals(replay.writes("v"), [1, 2]);
  assertStringIncludes(
    assertThrows(() => replay.assertWrittenOnce()).message,
    "cell 1 of v was written 2 times",
  );
});

Deno.test("Differences from a labelled dataset are named", async () => {
  const replay = new LiveReplay();
  replay.apply([
    open(variable("v"), variable("w")),
    patch("v", [0], [2], [1, 2]),
    patch("w", [1], [1], [NaN]),
  ]);
  const array = (name: string, values: number[]) => ({
    name,
    dims: ["x"],
    shape: [values.length],
    dtype: "f8" as const,
    data: (start: number, length: number) => Float64Array.from(values).subarray(start, start + length),
    attrs: {},
    role: "data" as const,
  });
  const truth = (...arrays: ReturnType<typeof array>[]) => truthOf({ arrays, attrs: {} });
  assertEquals(replay.differences(await truth(array("v", [1, 2]), array("w", [NaN, NaN]))), []);
  assertEquals(replay.differences(await truth(array("v", [1, 3]), array("w", [NaN]), array("z", []))), [
    "v holds 2 at 1, expected 3",
    "w has shape 2, expected 1",
    "z is not in the session",
  ]);
});

function session(looks: () => LiveLook, watch: string[] = [], active = 1): LiveSession {
  return { watch, poll: { active, quiet: 1 }, silence: "ends", look: looks, close: () => {} };
}

Deno.test("Draining goes on while there is more, and stops at the end, at the condition, or when nothing is new", async () => {
  const script: LiveLook[] = [
    { changes: [open(variable("v"))], more: true },
    { changes: [patch("v", [0], [1], [1])] },
    { changes: [], delayed: "torn" },
    { changes: [] },
    { changes: [] },
    { changes: [patch("v", [1], [1], [2])] },
    { changes: [], end: { reason: "completed", evidence: "flag", complete: true } },
  ];
  const replay = new LiveReplay();
  const scripted = session(() => script.shift() ?? { changes: [] });
  await replay.drain(scripted);
  assertEquals([replay.looks, replay.array("v"), replay.delays], [5, [1], ["torn"]]);
  await replay.drain(scripted, { until: () => replay.writtenCount("v") === 2 });
  assertEquals(replay.end, undefined);
  await replay.drain(scripted, { until: () => false });
  assertEquals(replay.end?.reason, "completed");
  assertThrows(() => replay.apply([open(variable("v"))]));
  assertMatch(
    (await assertRejects(() => new LiveReplay().drain(scripted, { until: () => false, maxLooks: 3 })))
      .message,
    /after 3 looks: no structure/,
  );
});

Deno.test("A change of a watched file wakes before the pause is over", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/data`;
    let looks = 0;
    const watched = session(
      () => {
        if (++looks === 1) Deno.writeTextFileSync(file, "1");
        return { changes: [] };
      },
      [file],
      1e8,
    );
    await new LiveReplay().drain(watched, { until: () => looks === 2 });
    assert(looks === 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
