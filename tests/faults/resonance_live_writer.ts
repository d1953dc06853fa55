/**
 * A run that shows its events while it is written: `resonance_live_writer.ts DATABASE`. Prints its uid; each line of
 * standard input is a number of events with an image each to write, or `close`.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { RunWriter } from "../../backends/resonance/mod.ts";
import { imageOf, SHAPES } from "../resonance_kills.ts";

const writer = new RunWriter(Deno.args[0] ?? "", { name: "film" }, { live: true }).open();
console.log(writer.openRun("scan"));
writer.openStream("primary", { x: { dtype: "number" } });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "close") writer.closeRun();
  for (let n = 0; n < Number(line); n++) {
    const event = writer.writeEvent({ x: writer.seqNum });
    writer.writeImage(event, "ccd", { data: imageOf("ccd", writer.seqNum - 1), shape: SHAPES.ccd ?? [] });
  }
}
