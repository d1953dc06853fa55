/**
 * How often a running measurement is looked at again. Every look makes a version of its file, so that one that writes
 * several times a second for hours is followed at growing distances; the first news after a rest comes at once.
 */
import { z } from "zod";

/** Waits between reports of progress while it goes on, ms; the last one from then on. */
const WAITS_MS = [0, 0, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];
/** Quiet for this many waits and a bit: a rest. */
const REST_WAITS = 3;
const REST_MS = 5000;

/** What is remembered of one unfinished measurement. */
const pacedSchema = z.object({
  /** The progress that was reported. */
  reported: z.string(),
  /** The newest progress seen. */
  seen: z.string(),
  /** When it was reported, ms since 1970 UTC. */
  at: z.number(),
  /** Reports without a rest. */
  run: z.number(),
  /** When its progress was seen to differ from the time before; 0 when it never was. */
  moved: z.number().default(0),
});
/** By measurement. */
export const paceSchema = z.record(z.string(), pacedSchema);
export type Pace = z.infer<typeof paceSchema>;

/** The progress to report now: the newest, or for a while the one that was reported before. */
export function paced(before: Pace, id: string, progress: string, now: number): Pace[string] {
  const known = before[id];
  if (!known) return { reported: progress, seen: progress, at: now, run: 0, moved: 0 };
  const moved = known.seen === progress ? known.moved : now;
  if (known.reported === progress) return { ...known, seen: progress, moved };
  const elapsed = now - known.at;
  const wait = WAITS_MS[Math.min(known.run, WAITS_MS.length - 1)] ?? 0;
  // A clock that was set back must not keep it waiting.
  if (elapsed >= 0 && elapsed < wait) return { ...known, seen: progress, moved };
  const rested = elapsed > REST_WAITS * wait + REST_MS;
  return { reported: progress, seen: progress, at: now, run: rested ? 0 : known.run + 1, moved };
}
