/** Which runs are being measured, and sessions that follow them. */
import { SyncError } from "../../../src/kit/errors.ts";
import type { ReadItem } from "../../../src/kit/define_backend.ts";
import type { LiveAnswer, LiveContext } from "../../../src/kit/live.ts";
import { followDatabase } from "../../../src/kit/sqlite/follow_database.ts";
import type { ReadOnlyDatabase } from "../../../src/kit/sqlite/read_only_database.ts";
import type { QcodesConfig } from "../config.ts";
import { demandQcodes, lastRow, readDescription, readRun, type Run } from "../database.ts";
import type { RunDescription } from "../interdependencies.ts";
import { lastWritten, QUIET } from "./running_runs.ts";
import { RunSession } from "./run_session.ts";

/**
 * Follows a run that is being measured.
 * @throws SyncError of class data, busy or source
 */
export async function liveRun(
  config: QcodesConfig,
  item: ReadItem,
  context: LiveContext,
): Promise<LiveAnswer> {
  const path = config.database_path;
  const follower = await followDatabase(path);
  let followed = false;
  try {
    const found = follower.read((db) => runningRun(db, Number(item.identifier), context.resumed));
    if ("not_live" in found) return found;
    const { run, description } = found;
    const written = Math.max((run.runTimestamp ?? 0) * 1000, lastWritten(path));
    if (context.now() - written > QUIET && !context.resumed) {
      return { not_live: `run ${run.runId} was not written to for 10 minutes` };
    }
    followed = true;
    return { session: new RunSession(path, run, description, follower, context) };
  } finally {
    if (!followed) follower[Symbol.dispose]();
  }
}

function runningRun(
  db: ReadOnlyDatabase,
  runId: number,
  resumed?: boolean,
): { run: Run; description: RunDescription } | { not_live: string } {
  demandQcodes(db);
  let run: Run;
  try {
    run = readRun(db, runId);
  } catch (e) {
    if (e instanceof SyncError && e.code === "qcodes_run_missing") return { not_live: e.message };
    throw e;
  }
  if (run.isCompleted && !resumed) return { not_live: `run ${runId} is completed` };
  const rows = run.hasTable ? lastRow(db, run.resultTable) : 0;
  if (run.runTimestamp === null && rows === 0) {
    return { not_live: `run ${runId} was created but not started` };
  }
  if (!run.hasTable) {
    return { not_live: `run ${runId} is kept in memory: the database gets none of its values` };
  }
  return { run, description: readDescription(db, run) };
}
