import * as h5wasm from "h5wasm/node";
import { assert, assertEquals, assertMatch, assertThrows } from "../../../tests/assert.ts";
import { LiveReplay } from "../../../tests/live_replay.ts";
import { netcdfContent } from "../../../tests/netcdf_content.ts";
import { whileGrowing } from "../../../tests/while_growing.ts";
import { SyncError } from "../errors.ts";
import type { LiveChange, LiveOpen, LiveVariable } from "../live.ts";
import { sizeOf } from "../labelled.ts";
import { LiveFile } from "./live_file.ts";
import { readSignature } from "./signature.ts";
import { inTempDir, randomNumbers } from "./testing.ts";

const variable = (
  name: string,
  dims: string[],
  shape: number[],
  more: Partial<LiveVariable> = {},
): LiveVariable => ({
  name,
  dtype: "f8",
  dims,
  shape,
  role: dims[0] === name ? "setpoint" : "measured",
  units: null,
  long_name: null,
  depends_on: [],
  ...more,
});

const open = (variables: LiveVariable[], attrs: LiveOpen["attrs"] = {}): LiveOpen => ({
  type: "open",
  name: "run",
  attrs,
  variables,
});

const patch = (name: string, offset: number[], shape: number[], values: number[]): LiveChange => ({
  type: "patch",
  var: name,
  offset,
  shape,
  values: Float64Array.from(values),
});

Deno.test("After 8 of 4 x 5 points a reader sees the true extent, the cursor, the values, and NaN behind them", () =>
  inTempDir(async (folder) => {
    using live = new LiveFile(folder);
    live.apply([
      open([variable("x", ["x"], [0]), variable("y", ["y"], [5]), variable("i", ["x", "y"], [0, 5])]),
    ]);
    live.apply([patch("y", [0], [5], [0, 1, 2, 3, 4]), patch("i", [0, 0], [1, 5], [0, 1, 2, 3, 4])]);
    live.apply([patch("i", [1, 0], [1, 3], [5, 6, 7])]);
    const { values, stored, ...rest } = await whileGrowing(live.path, "i");
    assertEquals(rest, { cursor: [1, 3], shape: [2, 5], completed: 0 });
    assert(stored![1] === 100 && values.length === sizeOf(stored!));
    assertEquals(values.slice(0, 5), [0, 1, 2, 3, 4]);
    assertEquals(values.slice(100, 103), [5, 6, 7]);
    assertEquals(values.filter((v) => !Number.isNaN(v)).length, 8);
    const signature = readSignature(live.path);
    assert(
      signature.kind === "hdf5" && signature.superblock === 3 && signature.openForWriting && signature.swmr,
    );

    live.apply([patch("i", [1, 3], [3, 5], Array<number>(15).fill(1)), {
      type: "extent",
      var: "i",
      shape: [4, 5],
    }]);
    live.finish();
    const whole = (await netcdfContent(live.path)).variables;
    assertEquals([whole.i?.shape, whole.y?.shape], [[4, 5], [5]]);
    assertEquals(whole.i?.attributes.__cursor, Int32Array.of(3, 5));
    assertEquals(whole.i?.attributes.completed, 1);
    const closed = readSignature(live.path);
    assert(closed.kind === "hdf5" && !closed.openForWriting && closed.endOfFile === closed.size);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["measurement.hdf5"]);
  }));

Deno.test("The finished file is netCDF with the labels, the complex parts and the facts of the run", () =>
  inTempDir(async (folder) => {
    using live = new LiveFile(folder);
    live.apply([
      open([
        variable("t", ["point"], [0], { role: "setpoint", units: "s", long_name: "Time µ" }),
        variable("z", ["point"], [0], { dtype: "c16", units: "V" }),
        variable("n", ["point"], [0], { dtype: "i8" }),
        variable("note", ["point"], [0], { dtype: "text" }),
        variable("gain", [], []),
      ], {
        snapshot: '{"station":1}',
        sample: "A",
        count: 3,
        tags: ["a", "b"],
        nothing: null,
        NAME: "clash",
      }),
      patch("t", [0], [2], [0, 1]),
      patch("z", [1], [1], [3, -4]),
      { type: "patch", var: "n", offset: [0], shape: [2], values: BigInt64Array.of(-5n, 7n) },
      { type: "patch", var: "note", offset: [0], shape: [1], values: ["left out"] },
      patch("gain", [], [], [9]),
    ]);
    live.finish();
    const { variables, groups } = await netcdfContent(live.path);
    assertEquals(Object.keys(variables), ["t", "z__real", "z__imag", "n", "gain"]);
    const values = Object.fromEntries(Object.entries(variables).map(([name, v]) => [name, v.values]));
    assertEquals(values, { t: [0, 1], z__real: [NaN, 3], z__imag: [NaN, -4], n: [-5, 7], gain: [9] });
    assertEquals(variables.t?.attributes.long_name, "Time µ");
    assertEquals(variables.t?.attributes.units, "s");
    assertEquals(variables.z__imag?.attributes._param_index, BigInt64Array.of(0n, 1n));
    assertEquals(variables.t?.attributes._param_index, undefined);
    assertEquals(variables.n?.dims, ["point"]);
    assertEquals(variables.n?.attributes.coordinates, "t");
    assertEquals(groups[""], {
      name: "run",
      snapshot: '{"station":1}',
      sample: "A",
      count: 3,
      tags: '["a","b"]',
      NAME_: "clash",
    });
  }));

for (let seed = 1; seed <= 8; seed++) {
  Deno.test(`Whatever is patched, grown and trimmed, the file holds what a subscriber knows (seed ${seed})`, () =>
    inTempDir(async (folder) => {
      const random = randomNumbers(seed);
      const upTo = (n: number) => Math.floor(random() * (n + 1));
      const variables = Array.from({ length: 1 + upTo(3) }, (_, i) => {
        const dims = Array.from({ length: upTo(3) }, (_, axis) => `d${i}${axis}`);
        return variable(`v${i}`, dims, dims.map(() => random() < 0.5 ? 0 : upTo(12)));
      });
      const replay = new LiveReplay();
      using live = new LiveFile(folder);
      const both = (changes: LiveChange[]) => {
        replay.apply(changes);
        live.apply(changes);
      };
      both([open(variables)]);
      for (let step = 0; step < 40; step++) {
        both(Array.from({ length: 1 + upTo(3) }, (): LiveChange => {
          const { name, dims } = variables[upTo(variables.length - 1)]!;
          const known = replay.shape(name);
          if (random() < 0.15) return { type: "extent", var: name, shape: known.map((n) => upTo(n + 1)) };
          const shape = dims.map((_, axis) => 1 + upTo(axis === dims.length - 1 && random() < 0.1 ? 250 : 5));
          const values = Array.from({ length: sizeOf(shape) }, () => random() < 0.05 ? NaN : random());
          return patch(name, known.map((n) => upTo(n)), shape, values);
        }));
      }
      for (const name of replay.names.filter((name) => replay.shape(name).length > 0)) {
        const { shape, values, stored } = await whileGrowing(live.path, name);
        assertEquals(shape, replay.shape(name));
        const written = replay.array(name).filter((v) => !Number.isNaN(v)).length;
        assertEquals(values.filter((v) => !Number.isNaN(v)).length, written, `${name} stored as ${stored}`);
      }
      live.finish();
      assertEquals(replay.differences(await netcdfContent(live.path), replay.names), []);
    }));
}

Deno.test("A new structure is a new file; who reads the old one keeps it", () =>
  inTempDir(async (folder) => {
    using live = new LiveFile(folder);
    live.apply([open([variable("a", ["k"], [0])]), patch("a", [0], [1], [1])]);
    await h5wasm.ready;
    const before = new h5wasm.File(live.path, "Sr");
    live.apply([open([variable("b", ["k"], [0])]), patch("b", [0], [1], [2])]);
    assertEquals((before.get("a") as h5wasm.Dataset).slice([[0, 1]]), Float64Array.of(1));
    before.close();
    assertEquals((await whileGrowing(live.path, "b")).values[0], 2);
    live.finish();
    assertEquals(Object.keys((await netcdfContent(live.path)).variables), ["b"]);
  }));

Deno.test("An index of several leaves finds every chunk, in a file that grows and in the finished one", () =>
  inTempDir(async (folder) => {
    using live = new LiveFile(folder);
    live.apply([open([variable("v", ["n"], [0])])]);
    const rows = 260_000;
    for (let k = 0; k < 8; k++) {
      live.apply([patch("v", [k * rows], [rows], Array.from({ length: rows }, (_, i) => k * rows + i))]);
    }
    const isRight = (values: ArrayLike<unknown>) =>
      Array.from({ length: 8 * rows }, (_, i) => i).every((i) => values[i] === i);
    assert(isRight((await whileGrowing(live.path, "v")).values));
    live.finish();
    const { v } = (await netcdfContent(live.path)).variables;
    assertEquals(v?.shape, [8 * rows]);
    assert(isRight(v?.values ?? []));
  }));

Deno.test("Large inner axes are cut into few chunks a step, and very many steps are refused, not written wrongly", () =>
  inTempDir((folder) => {
    using live = new LiveFile(folder);
    live.apply([open([variable("image", ["n", "y", "x"], [0, 512, 512])])]);
    const image = Array<number>(512 * 512).fill(1);
    for (let n = 0; n < 3; n++) live.apply([patch("image", [n, 0, 0], [1, 512, 512], image)]);
    assert(Deno.statSync(live.path).size < 5 * image.length * 8);
    const error = assertThrows(() => live.apply([patch("image", [1e8, 0, 0], [1, 1, 1], [1])]));
    assert(error instanceof SyncError && error.class === "local" && error.code === "live_file_too_large");
    assertEquals([...Deno.readDirSync(folder)], []);
    return Promise.resolve();
  }));

Deno.test("A folder that can not be written to is a local failure, and nothing is left", () =>
  inTempDir(async (folder) => {
    await Deno.writeTextFile(`${folder}/taken`, "");
    using live = new LiveFile(`${folder}/taken`);
    const error = assertThrows(() => live.apply([open([variable("a", ["k"], [0])])]));
    assert(error instanceof SyncError && error.class === "local");
    assertMatch(error.message, /measurement\.hdf5/);
    live.apply([patch("a", [0], [1], [1])]);
    live.finish();
    assertEquals([...Deno.readDirSync(folder)].length, 1);
  }));
