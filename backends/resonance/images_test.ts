/** Images that are missing, damaged, empty or oddly named. */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { assertEquals } from "../../tests/assert.ts";
import type { RunWriter } from "./mod.ts";
import { roundTrip } from "./testing.ts";

/** Writes `frames` images into one field. */
function writeFrames(
  w: RunWriter,
  field: string,
  frames: number,
  make: (n: number) => Float32Array | Uint8Array,
) {
  w.openStream("primary", {});
  for (let n = 0; n < frames; n++) {
    const event = w.writeEvent({});
    w.writeImage(event, field, { data: make(n), shape: [1, 2] });
  }
}
const floats = (n: number) => Float32Array.of(n, n + 0.5);

Deno.test("a row without its frame gives NaN or zeros and a warning", async () => {
  const lose = (_db: DatabaseSync, folder: string) => {
    for (const run of Deno.readDirSync(join(folder, "b.zarr", "runs"))) {
      const path = join(folder, "b.zarr", "runs", run.name, "ccd", ".zarray");
      if (run.name.startsWith(".")) continue;
      const document = JSON.parse(Deno.readTextFileSync(path));
      document.shape[0] = 1;
      Deno.writeTextFileSync(path, JSON.stringify(document));
    }
  };
  const read = await roundTrip((w) => writeFrames(w, "ccd", 3, floats), lose);
  const { variables } = read.netcdf["images/ccd"] ?? { variables: undefined };
  assertEquals(variables?.ccd?.values, [0, 0.5, NaN, NaN, NaN, NaN]);
  assertEquals(variables?.seq_num?.values, [1n, 2n, 3n]);
  assertEquals(read.draft.logs?.map((l) => l.code), ["image_missing"]);
  assertEquals(read.draft.problems, undefined);
  const integers = await roundTrip((w) => writeFrames(w, "ccd", 2, (n) => Uint8Array.of(n + 1, 7)), lose);
  assertEquals(integers.netcdf["images/ccd"]?.variables.ccd?.values, [1, 7, 0, 0]);
  assertEquals(integers.netcdf["images/ccd"]?.variables.ccd?.dtype, "u1");
});

Deno.test("without the store all frames are missing, in the type that the rows tell", async () => {
  const read = await roundTrip((w) => writeFrames(w, "ccd", 2, floats), (_db, folder) => {
    Deno.removeSync(join(folder, "b.zarr"), { recursive: true });
  });
  const ccd = read.netcdf["images/ccd"]?.variables.ccd;
  assertEquals([ccd?.shape, ccd?.dtype, ccd?.values], [[2, 1, 2], "f4", [NaN, NaN, NaN, NaN]]);
  assertEquals(read.draft.logs?.map((l) => l.code), ["image_missing"]);
});

Deno.test("a damaged frame costs itself alone and quarantines the run", async () => {
  const read = await roundTrip((w) => writeFrames(w, "ccd", 3, floats), (_db, folder) => {
    for (const run of Deno.readDirSync(join(folder, "b.zarr", "runs"))) {
      if (!run.isDirectory) continue;
      Deno.writeTextFileSync(join(folder, "b.zarr", "runs", run.name, "ccd", "1.0.0"), "no blosc");
    }
  });
  assertEquals(read.netcdf["images/ccd"]?.variables.ccd?.values, [0, 0.5, NaN, NaN, 2, 2.5]);
  assertEquals(read.draft.problems?.map((p) => p.code), ["zarr_damaged"]);
});

Deno.test("images without pixels, and fields named like coordinates", async () => {
  const read = await roundTrip((w) => {
    w.openStream("primary", { time: { units: "counts" } });
    const event = w.writeEvent({ time: null });
    w.writeImage(event, "empty", { data: new Uint16Array(0), shape: [3, 0] });
    w.writeImage(event, "time", { data: Uint16Array.of(7), shape: [1, 1] });
  });
  assertEquals(read.netcdf["images/empty"]?.variables.empty?.shape, [1, 3, 0]);
  assertEquals(read.netcdf["images/time"]?.variables.time_2?.values, [7]);
  assertEquals(read.netcdf["images/time"]?.variables.time_2?.attributes.units, "counts");
  assertEquals(Object.keys(read.netcdf).sort(), ["images/empty", "images/time"]);
});
