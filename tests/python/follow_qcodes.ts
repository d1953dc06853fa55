/**
 * Follows runs of QCoDeS databases for qcodes_live_truth.py. A line of standard input asks to follow a run until its
 * end, or until it has that many rows; a line of standard output tells that a run is followed, and what it gave.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { z } from "zod";
import backend from "../../backends/qcodes/mod.ts";
import type { LiveSession } from "../../src/kit/live.ts";
import { LiveReplay } from "../live_replay.ts";

const requestSchema = z.object({ db: z.string(), run: z.number(), points: z.number().optional() });
const temp = await Deno.makeTempDir();
type Request = z.infer<typeof requestSchema>;

function print(line: Record<string, unknown>): void {
  console.log(
    JSON.stringify(
      line,
      (_key, v) =>
        typeof v === "bigint" ? Number(v) : typeof v === "number" && !Number.isFinite(v) ? String(v) : v,
    ),
  );
}

async function sessionOf({ db, run }: Request): Promise<LiveSession> {
  for (;;) {
    const answer = await backend.live?.({ database_path: db, set_up: "live" }, {
      identifier: String(run),
      path: "",
    }, { temp, timeZone: "UTC", now: Date.now });
    if (answer && "session" in answer) return answer.session;
  }
}

async function follow(request: Request): Promise<void> {
  const session = await sessionOf(request);
  const replay = new LiveReplay();
  await replay.drain(session);
  print({ run: request.run, following: true });
  const { points } = request;
  const until = () =>
    points !== undefined &&
    replay.structure.variables.some((v) => v.role === "measured" && replay.writtenCount(v.name) >= points);
  await replay.drain(session, { until, maxLooks: Infinity });
  await session.close();
  replay.assertWrittenOnce();
  print({
    run: request.run,
    epochs: replay.epochs,
    end: replay.end ?? null,
    variables: replay.structure.variables.map((v) => ({
      ...v,
      shape: replay.shape(v.name),
      values: replay.cells(v.name),
      written: replay.written(v.name),
    })),
  });
}

const running: Promise<void>[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  running.push(follow(requestSchema.parse(JSON.parse(line))));
}
await Promise.all(running);
await Deno.remove(temp, { recursive: true });
