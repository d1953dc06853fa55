/**
 * Child process of the torn-read test: rewrites one file in place every 50 ms, as Quantify does while it measures. All
 * values of a file are the number of its generation, so that two generations in one file show.
 *
 * usage: torn_read_writer.ts PATH [--overwrite]; ends when stdin closes, then prints the number of generations written.
 * With --overwrite the file is no HDF5 but 32 MB of numbers, overwritten in place and never emptied.
 */
import * as h5wasm from "h5wasm/node";

const POINTS = 4000;
const PERIOD_MS = 50;

const [path = "", mode] = Deno.args;
await h5wasm.ready;
let generation = 0;
let running = true;

/** Most of the time passes while the file is half overwritten. */
function overwrite(): void {
  generation++;
  using file = Deno.openSync(path, { write: true, create: true });
  const block = new Uint8Array(new Float64Array(1 << 17).fill(generation).buffer);
  for (let i = 0; i < 32; i++) file.writeSync(block);
}

function rewrite(): void {
  if (mode === "--overwrite") return overwrite();
  generation++;
  const file = new h5wasm.File(path, "w");
  const values = new Float64Array(POINTS).fill(generation);
  const index = file.create_dataset({ name: "x0", data: values });
  index.make_scale("x0");
  for (const name of ["y0", "y1", "y2"]) {
    const data = file.create_dataset({ name, data: values });
    data.attach_scale(0, "x0");
  }
  file.create_attribute("generation", generation);
  file.close();
}

rewrite();
console.log("ready");
const ended = Deno.stdin.readable.pipeTo(new WritableStream()).then(() => running = false);
while (running) {
  await new Promise((resume) => setTimeout(resume, mode === "--overwrite" ? PERIOD_MS / 2 : PERIOD_MS));
  rewrite();
}
await ended;
console.log(generation);
