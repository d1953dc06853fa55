/** Whether a container is being measured into, and if so its live session. */
import { join } from "node:path";
import type { ReadItem } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import type { LiveAnswer, LiveContext, LiveLook } from "../../src/kit/live.ts";
import type { QuantifyConfig } from "./config.ts";
import { ContainerSession, DATA_FILE } from "./live/container_session.ts";
import { Successors } from "./live/successors.ts";

/** A file that was not written to for longer than this is not being measured into. */
const FRESH_MS = 120_000;
const ATTEMPTS = 4;
const PAUSE_MS = 20;

/**
 * Follows a container: the newest one of its data folder whose file was written a moment ago and has cells left to be
 * measured, or is rewritten still.
 * @throws SyncError busy `live_torn` while its file is being written
 */
export async function followContainer(
  config: QuantifyConfig,
  item: ReadItem,
  context: LiveContext,
): Promise<LiveAnswer> {
  const reason = notFresh(join(item.path, DATA_FILE), context.now());
  if (reason !== undefined) return { not_live: reason };
  const successor = new Successors(item.path, DATA_FILE, context.now).find();
  if (successor !== undefined && !context.resumed) return { not_live: `${successor} is newer` };
  const session = new ContainerSession(item.path, context, config.set_up);
  let first: LiveLook;
  try {
    first = await firstLook(session);
  } catch (e) {
    session.close();
    throw e;
  }
  if (first.end && !context.resumed) {
    session.close();
    return { not_live: first.end.evidence };
  }
  return { session: session.startingWith(first) };
}

function notFresh(path: string, now: number): string | undefined {
  try {
    const { mtime, isFile } = Deno.statSync(path);
    const age = now - (mtime?.getTime() ?? 0);
    if (!isFile) return `${path} is no file`;
    return Math.abs(age) < FRESH_MS ? undefined : `${DATA_FILE} was written ${Math.round(age / 1000)} s ago`;
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return `there is no ${DATA_FILE}`;
    throw SyncError.from(e);
  }
}

/** The file may be torn at this moment. */
async function firstLook(session: ContainerSession): Promise<LiveLook> {
  for (let attempt = 1;; attempt++) {
    const look = await session.look();
    if (look.changes.length > 0 || look.end) return look;
    if (attempt === ATTEMPTS) throw session.failure;
    await new Promise((resume) => setTimeout(resume, PAUSE_MS * (0.5 + Math.random())));
  }
}
