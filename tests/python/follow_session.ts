/**
 * Follows running measurements of any backend for the truth scripts. A line of standard input asks to follow an item
 * until its end, or until a variable has that many cells; lines of standard output tell that it is followed, how far it
 * was when (ms since 1970), and what it gave.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Backend } from "../../src/kit/define_backend.ts";
import type { LiveSession } from "../../src/kit/live.ts";
import { Registry } from "../../src/readers/registry.ts";
import { LiveReplay } from "../live_replay.ts";

const requestSchema = z.object({
  backend: z.string(),
  config: z.record(z.string(), z.unknown()),
  identifier: z.string(),
  /** Follow until this variable has as many cells. */
  until: z.object({ variable: z.string(), cells: z.number() }).optional(),
});
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

async function sessionOf({ config, identifier }: Request, backend: Backend): Promise<LiveSession> {
  for (;;) {
    const context = { temp: "", timeZone: "UTC", now: Date.now };
    const answer = await backend.live?.(config, { identifier, path: "" }, context);
    if (answer && "session" in answer) return answer.session;
  }
}

async function follow(request: Request): Promise<void> {
  const { identifier, until } = request;
  const session = await sessionOf(request, await registry.backend(request.backend));
  const replay = new LiveReplay();
  await replay.drain(session);
  print({ identifier, following: true });
  let told = "";
  const isEnough = () => {
    const cells = Object.fromEntries(replay.names.map((name) => [name, replay.writtenCount(name)]));
    if (told !== JSON.stringify(cells)) print({ identifier, t: Date.now(), cells });
    told = JSON.stringify(cells);
    return until !== undefined && (cells[until.variable] ?? 0) >= until.cells;
  };
  await replay.drain(session, { until: isEnough, maxLooks: Infinity });
  await session.close();
  replay.assertWrittenOnce();
  print({
    identifier,
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

const registry = new Registry([]);
const running: Promise<void>[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  running.push(follow(requestSchema.parse(JSON.parse(line))));
}
await Promise.all(running);
