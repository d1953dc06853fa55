/** Whether a log is being measured, and if so its live session. */
import type { ReadItem } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { readSignature } from "../../src/kit/hdf5/signature.ts";
import type { LiveAnswer, LiveContext } from "../../src/kit/live.ts";
import type { LabberConfig } from "./config.ts";
import { LogSession } from "./live/log_session.ts";

/** A log that says that it is not completed was given up when nothing came for longer than this. */
const QUIET_MS = 10 * 60_000;
/** A log that does not say whether it is completed is measured while it grows. */
const FRESH_MS = 120_000;
const ATTEMPTS = 4;
const PAUSE_MS = 20;

/**
 * Follows a log file whose last log is not completed.
 * @throws SyncError `hdf5_torn` (busy), `file_unreadable` (source)
 */
export async function followLog(
  config: LabberConfig,
  item: ReadItem,
  context: LiveContext,
): Promise<LiveAnswer> {
  for (let attempt = 1;; attempt++) {
    try {
      return answer(config, item, context);
    } catch (e) {
      // The file may be torn at this moment.
      if (SyncError.from(e).class !== "busy" || attempt === ATTEMPTS) throw e;
      await new Promise((resume) => setTimeout(resume, PAUSE_MS * (0.5 + Math.random())));
    }
  }
}

function answer({ set_up }: LabberConfig, item: ReadItem, context: LiveContext): LiveAnswer {
  const age = ageOf(item.path, context.now());
  if (age === undefined) return { not_live: "the file is not there" };
  if (age > QUIET_MS) return { not_live: `nothing was written for ${Math.round(age / 60_000)} min` };
  let session: LogSession | undefined;
  try {
    // Labber makes the file first and fills it later; discovery asks again when it changes.
    if (readSignature(item.path).kind !== "hdf5") return { not_live: "it is no HDF5 file, or none yet" };
    session = new LogSession(item, context, set_up);
    const isCompleted = session.isCompleted;
    if (context.resumed || isCompleted === false || isCompleted === undefined && age < FRESH_MS) {
      const following = session;
      session = undefined;
      return { session: following };
    }
    return {
      not_live: isCompleted
        ? "Completed is true"
        : `it does not say whether it is completed, and nothing was written for ${Math.round(age / 1000)} s`,
    };
  } catch (e) {
    const error = SyncError.from(e);
    if (error.class === "data") return { not_live: error.message };
    throw error;
  } finally {
    session?.close();
  }
}

/** Time since the file was written, ms; undefined when it is not there. */
function ageOf(path: string, now: number): number | undefined {
  try {
    return Math.abs(now - (Deno.statSync(path).mtime?.getTime() ?? 0));
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return undefined;
    throw SyncError.from(e);
  }
}
