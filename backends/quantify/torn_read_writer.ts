/**
 * Child process of the torn-read test: rewrites one file in place every 50 ms, as Quantify does while it measures. All
 * values of a file are the number of its generation, so that two generations in one file show.
 *
 * usage: torn_read_writer.ts PATH; ends when stdin closes, then prints the number of generations written
 */
import * as h5wasm from "h5wasm/node";

const POINTS = 4000;
const PERIOD_MS = 50;

const [path = ""] = Deno.args;
await h5wasm.ready;
let generation = 0;
let running = true;

function rewrite(): void {
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
  await new Promise((resume) => setTimeout(resume, PERIOD_MS));
  rewrite();
}
await ended;
console.log(generation);
