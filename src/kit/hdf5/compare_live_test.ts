import { assertEquals } from "../../../tests/assert.ts";
import { compareLive } from "./compare_live.ts";
import { LiveFile } from "./live_file.ts";
import { writeNetcdf } from "./netcdf_writer.ts";
import { array, inTempDir } from "./testing.ts";

Deno.test("a stream and the file made of the same run are compared whatever their shapes", async () => {
  await inTempDir(async (folder) => {
    using live = new LiveFile(`${folder}/live`);
    const axis = { dtype: "f8" as const, units: null, long_name: null, shape: [0], dims: ["i"] };
    live.apply([
      {
        type: "open",
        name: "run",
        attrs: {},
        variables: [
          { ...axis, name: "x", role: "setpoint", depends_on: [] },
          { ...axis, name: "y", role: "measured", depends_on: ["x"] },
          { ...axis, name: "z", dtype: "c16", role: "measured", depends_on: ["x"] },
        ],
      },
      { type: "patch", var: "x", offset: [0], shape: [4], values: Float64Array.of(1, 1, 2, 2) },
      { type: "patch", var: "y", offset: [0], shape: [4], values: Float64Array.of(5, NaN, 7, 8) },
      { type: "patch", var: "z", offset: [0], shape: [2], values: Float64Array.of(1, 10, 2, 20) },
    ]);
    live.finish();
    const made = async (name: string, y: number[]) => {
      const path = `${folder}/${name}.nc`;
      await writeNetcdf(path, {
        attrs: {},
        arrays: [
          array("coordinate", "x", ["x"], [2], "f8", Float64Array.of(1, 2)),
          array("data", "y", ["x", "n"], [2, 2], "f8", Float64Array.from(y)),
          array("data", "z", ["m"], [2], "c16", Float64Array.of(1, 10, 2, 20)),
        ],
      });
      return path;
    };
    assertEquals(await compareLive(live.path, [await made("same", [5, 8, 7, NaN])]), []);
    assertEquals(await compareLive(live.path, [await made("less", [5, NaN, 7, NaN])]), [
      "y: 3 values from 5 to 8 on the stream, 2 values from 5 to 7 afterwards",
    ]);
  });
});
