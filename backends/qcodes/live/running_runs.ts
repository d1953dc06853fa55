/** Which unfinished runs are being measured, as far as looking at them again and again shows. */
import { z } from "zod";
import { type ExactStat, statExact } from "../../../src/kit/fingerprint.ts";

/** A run that was not written to for this long is not being measured, ms. */
export const QUIET = 10 * 60 * 1000;
/** Unfinished runs that are remembered, the newest. */
const REMEMBERED = 64;

/** What was seen of an unfinished run, by run id. */
export const unfinishedSchema = z.record(
  z.string(),
  z.object({
    rows: z.number(),
    /** When rows were seen to come in, ms since 1970 UTC; null: never. */
    moved: z.number().nullable(),
  }),
);
export type Unfinished = z.infer<typeof unfinishedSchema>;

export interface UnfinishedRun {
  runId: number;
  /** Number of its last row. */
  rows: number;
  /** Start, unix seconds. */
  started: number | null;
  /** No run is newer. */
  newest: boolean;
}

/**
 * Which of the unfinished runs of a page are being measured: they began a short time ago, rows were seen to come in, or
 * it is the newest run of a database that was just written to. Runs that were killed stay unfinished for ever.
 * @param modified last change of the database, ms since 1970 UTC
 */
export function runningRuns(
  runs: readonly UnfinishedRun[],
  before: Unfinished,
  modified: number,
  now: number,
): { running: Set<number>; unfinished: Unfinished } {
  const running = new Set<number>();
  const seen: Unfinished = { ...before };
  for (const { runId, rows, started, newest } of runs) {
    const known = before[runId];
    const moved = known && known.rows !== rows ? now : known?.moved ?? null;
    seen[runId] = { rows, moved };
    if (rows === 0 && started === null) continue;
    const last = Math.max(started === null ? 0 : started * 1000, moved ?? 0, newest ? modified : 0);
    if (now - last <= QUIET) running.add(runId);
  }
  const kept = Object.entries(seen).sort(([a], [b]) => Number(b) - Number(a)).slice(0, REMEMBERED);
  return { running, unfinished: Object.fromEntries(kept) };
}

/** When a database was written to, ms since 1970 UTC. An empty `-wal` is made by readers, too. */
export function lastWritten(path: string): number {
  const times = [path, `${path}-wal`].flatMap((file): ExactStat[] => {
    try {
      return [statExact(file, true)];
    } catch {
      return [];
    }
  });
  return Math.max(0, ...times.filter((t) => t.size > 0).map((t) => t.mtime_ms));
}
