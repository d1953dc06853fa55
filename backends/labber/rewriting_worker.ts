/** Test helper: writes one state of a file after the other, in pieces, until it is told to stop. */
import { parentPort } from "node:worker_threads";
import { z } from "zod";

const Job = z.object({ path: z.string(), states: z.array(z.instanceof(Uint8Array)) });
let running = true;

parentPort?.on("message", async (message: unknown) => {
  if (message === "stop") {
    running = false;
    return;
  }
  const { path, states } = Job.parse(message);
  for (let i = 0; running; i++) {
    const state = states[i % states.length] ?? new Uint8Array();
    using file = Deno.openSync(path, { write: true, truncate: true });
    for (let at = 0; at < state.length; at += 10_000) {
      file.writeSync(state.subarray(at, at + 10_000));
      await new Promise((resolve) => setTimeout(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  parentPort?.postMessage("stopped");
});
