/**
 * Writes runs without end, for tests that kill it: `resonance_writing_child.ts DATABASE`. Says on stdout which run was
 * begun ("run <uid>") and which is closed ("closed <uid>").
 */
import { RunWriter } from "../backends/resonance/writer/run_writer.ts";
import { EVENTS, imageOf, SHAPES } from "./resonance_kills.ts";

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

RunWriter.with(Deno.args[0] ?? "", { name: "sample" }, (writer) => {
  for (;;) {
    const uid = writer.openRun("scan");
    say(`run ${uid}`);
    writer.openStream("primary", { x: {} });
    for (let n = 0; n < EVENTS; n++) {
      const event = writer.writeEvent({ x: n });
      for (const [field, shape] of Object.entries(SHAPES)) {
        writer.writeImage(event, field, { data: imageOf(field, n), shape });
      }
    }
    writer.closeRun();
    say(`closed ${uid}`);
  }
});
