/**
 * Follows one item of a folder backend while it is measured, as the agent does, and tells what came of it.
 *
 * stdin: one JSON line {backend, config, identifier, path}, later an empty line: the writer is done.
 * stdout: JSON lines {t, written} after each look with news, and at the end {end, epochs, delays, differences, rewritten}.
 */
import { join } from "node:path";
import { z } from "zod";
import { convertFile } from "../../backends/quantify/convert.ts";
import quantify from "../../backends/quantify/mod.ts";
import { differences as labberDifferences } from "../../backends/labber/live/testing.ts";
import labber from "../../backends/labber/mod.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { LiveAnswer } from "../../src/kit/live.ts";
import { LiveReplay } from "../live_replay.ts";
import { netcdfContent } from "../netcdf_content.ts";
import { WakeUp } from "../wake_up.ts";

const Order = z.object({
  backend: z.enum(["quantify", "labber"]),
  config: z.record(z.string(), z.unknown()),
  identifier: z.string(),
  path: z.string(),
});

/** After the writer is done, a run that does not end is looked at for so long. */
const REST_MS = 6000;
const WAIT_MS = 20_000;

const temp = await Deno.makeTempDir();
let isDone = false;
const lines = linesOf(Deno.stdin.readable);
const order = Order.parse(JSON.parse((await lines.next()).value ?? ""));
void (async () => {
  await lines.next();
  isDone = true;
})();
const tell = (message: unknown) => console.log(JSON.stringify(message));

const replay = new LiveReplay();
const answer = await begun();
if ("not_live" in answer) tell(answer);
else {
  const { session } = answer;
  using wake = new WakeUp(session.watch);
  for (let quietSince = Date.now(); !isDone || Date.now() - quietSince < REST_MS;) {
    const { changes, end, more, delayed } = await session.look();
    replay.apply(changes);
    if (delayed !== undefined) replay.delays.push(delayed);
    replay.end = end;
    if (changes.length > 0 || !isDone) quietSince = Date.now();
    if (changes.length > 0) tell({ t: Date.now() / 1000, written: counts() });
    if (end) break;
    if (!more) await wake.next(session.poll.active);
  }
  await session.close();
  tell({
    end: replay.end?.reason ?? null,
    epochs: replay.epochs,
    delays: replay.delays,
    written: counts(),
    differences: await differences(),
    rewritten: replay.names.filter((name) => replay.writes(name).some((n) => n > 1)),
  });
}
await Deno.remove(temp, { recursive: true });
Deno.exit(0);

/** The item may not be there yet. */
async function begun(): Promise<LiveAnswer> {
  const { config, identifier, path } = order;
  const backend = order.backend === "quantify" ? quantify : labber;
  for (const start = Date.now();;) {
    let answer: LiveAnswer;
    try {
      const context = { temp, timeZone: "Europe/Amsterdam", now: Date.now };
      answer = await backend.live?.(config, { identifier, path }, context) ?? { not_live: "it has no live" };
    } catch (e) {
      if (SyncError.from(e).class !== "busy") throw e;
      answer = { not_live: String(e) };
    }
    if ("session" in answer || Date.now() - start > WAIT_MS) return answer;
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

function counts(): Record<string, number> {
  return Object.fromEntries(replay.names.map((name) => [name, replay.writtenCount(name)]));
}

async function differences(): Promise<string[]> {
  if (order.backend === "labber") {
    return await labberDifferences(replay, order.path, String(replay.structure.attrs.log), temp);
  }
  const output = join(temp, "converted.hdf5");
  await convertFile(join(order.path, "dataset.hdf5"), output, temp, () => {});
  return replay.differences(await netcdfContent(output));
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
