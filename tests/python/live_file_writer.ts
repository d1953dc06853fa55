/**
 * Writes a live file for live_file_truth.py: random patches, of values that follow from variable and position. Every
 * applied batch is printed as a line of JSON; with `lockstep` the next one waits for a line on stdin.
 *
 *     deno run -A tests/python/live_file_writer.ts <folder> <lockstep | free> <seed> <batches>
 */
import { LiveFile } from "../../src/kit/hdf5/live_file.ts";
import { randomNumbers } from "../../src/kit/hdf5/testing.ts";
import { sizeOf } from "../../src/kit/labelled.ts";
import type { LiveChange, LiveVariable } from "../../src/kit/live.ts";

const [folder = "", mode, seed, batches] = Deno.args;
const random = randomNumbers(Number(seed));
const upTo = (n: number) => Math.floor(random() * (n + 1));

const variable = (name: string, dims: string[], shape: number[], dtype: LiveVariable["dtype"] = "f8") => ({
  name,
  dtype,
  dims,
  shape,
  role: dims[0] === name || name === "t" ? "setpoint" as const : "measured" as const,
  units: "V",
  long_name: `${name} of the run`,
  depends_on: [],
});

const VARIABLES: LiveVariable[] = [
  variable("x", ["x"], [0]),
  variable("y", ["y"], [20]),
  variable("i", ["x", "y"], [0, 20]),
  variable("z", ["x", "y"], [0, 20], "c16"),
  variable("t", ["point"], [0]),
  variable("n", ["point"], [0], "i8"),
  variable("cube", ["a", "b", "c"], [0, 0, 0]),
  variable("offset", [], []),
];

/** The value at a position, from 1 on; imaginary parts are its negative. */
function valueAt(position: number[]): number {
  return position.reduce((sum, at) => sum * 10_000 + at, 1);
}

function blockOf({ name, dtype }: LiveVariable, offset: number[], shape: number[]): LiveChange {
  const values = Array.from({ length: sizeOf(shape) }, (_, k) => {
    const position = shape.map(() => 0);
    for (let axis = shape.length - 1, rest = k; axis >= 0; axis--) {
      position[axis] = offset[axis]! + rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return valueAt(position);
  });
  return {
    type: "patch",
    var: name,
    offset,
    shape,
    values: dtype === "i8"
      ? BigInt64Array.from(values.map(BigInt))
      : Float64Array.from(dtype === "c16" ? values.flatMap((v) => [v, -v]) : values),
  };
}

const extents = new Map(VARIABLES.map(({ name, shape }) => [name, [...shape]]));

function nextChange(): LiveChange {
  const variable = VARIABLES[upTo(VARIABLES.length - 1)]!;
  const extent = extents.get(variable.name)!;
  if (mode === "lockstep" && random() < 0.05) {
    const shape = extent.map((n) => Math.max(0, n - upTo(2)));
    extents.set(variable.name, shape);
    return { type: "extent", var: variable.name, shape };
  }
  const offset = extent.map((n, axis) => axis === 0 || random() < 0.3 ? Math.max(0, n - upTo(3)) : upTo(n))
    .map((at) => variable.dims.length > 2 ? Math.min(at, 40) : at);
  const shape = extent.map((_, axis) =>
    1 + (axis === extent.length - 1 && random() < 0.2 ? upTo(300) : upTo(2))
  );
  extents.set(variable.name, extent.map((n, axis) => Math.max(n, offset[axis]! + shape[axis]!)));
  return blockOf(variable, offset, shape);
}

// One line is sent at a time, and answered before the next.
const lines = Deno.stdin.readable.getReader();
using live = new LiveFile(folder);
const tell = (batch: unknown) => console.log(JSON.stringify(batch));

live.apply([{ type: "open", name: "run", attrs: { snapshot: '{"station": {}}' }, variables: VARIABLES }]);
tell(VARIABLES);
for (let k = 0; k < Number(batches); k++) {
  if (mode === "lockstep") await lines.read();
  const changes = Array.from({ length: 1 + upTo(4) }, nextChange);
  live.apply(changes);
  if (mode === "lockstep") {
    tell(changes.map((change) => change.type === "open" ? change : { ...change, values: undefined }));
  }
}
if (mode === "lockstep") await lines.read();
live.finish();
tell("finished");
await lines.cancel();
