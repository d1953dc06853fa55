import { assert, assertEquals } from "../../../tests/assert.ts";
import type { LiveChange } from "../../kit/live.ts";
import { SessionFile } from "./session_file.ts";

const open = (variables: number): LiveChange => ({
  type: "open",
  name: "run",
  attrs: {},
  variables: Array.from({ length: variables }, (_, i) => ({
    name: `v${i}`,
    dtype: "f8",
    dims: ["x"],
    shape: [0],
    role: "measured",
    units: null,
    long_name: null,
    depends_on: [],
  })),
});
const patch: LiveChange = { type: "patch", var: "v0", offset: [0], shape: [1], values: Float64Array.of(1) };

Deno.test("a live file that cannot be written is told once, and keeps nobody from going on", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/taken`, "");
    const failures: string[] = [];
    const file = await SessionFile.in(`${folder}/taken/run`, (error) => failures.push(error.class));
    file.apply([open(1), patch]);
    file.apply([patch]);
    file.apply([open(1), patch]);
    file.finish();
    assertEquals(failures, ["local"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a measurement without variables has no live file of the agent", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = await SessionFile.in(`${folder}/run`, (error) => {
      throw error;
    });
    file.apply([open(0)]);
    assertEquals([...Deno.readDirSync(folder)], []);
    file.apply([open(1), patch]);
    file.finish();
    assert((await Deno.stat(`${folder}/run/measurement.hdf5`)).size > 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
