/** When a failed item is tried again (behaviour 2.2, 2.3). */
import type { ErrorClass, ErrorData } from "../kit/errors.ts";
import type { ItemRow } from "../catalog/item_rows.ts";
import type { ItemPatch } from "../catalog/items.ts";
import { reasonOf } from "../catalog/reason.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Wait after counted failure no. 1, 2, …; the last one repeats for ever (2.2). */
const SCHEDULE = [10 * SECOND, MINUTE, 5 * MINUTE, 20 * MINUTE, HOUR, 2 * HOUR, 8 * HOUR, 24 * HOUR] as const;
/** Wait while an input is busy: no attempt is counted. */
const BUSY = [1, 2, 5, 10, 30, 60].map((s) => s * SECOND);
const BUSY_LIMIT = 30 * MINUTE;
/**
 * Wait when the cause lies outside of the item (network, login, disk), after the nth time in a row. Short at first: what
 * was under way when the network came back fails after the agent has let everything go on.
 */
const OUTSIDE = [1, 2, 5, 10].map((s) => s * SECOND);

/** Wait after the nth counted failure, ms, with ± 10 % jitter (L8); `random` is uniform in [0, 1). */
export function retryDelay(failures: number, random: number): number {
  const base = SCHEDULE[Math.min(failures, SCHEDULE.length) - 1] ?? SCHEDULE[0];
  return Math.round(base * (0.9 + 0.2 * random));
}

/** Causes in the order in which they decide: an outside cause must never be counted against the item (L9). */
const PRECEDENCE: readonly ErrorClass[][] = [
  ["network", "auth", "local", "source"],
  ["busy"],
  ["permission", "platform", "internal", "reader", "usage"],
  ["data", "converter"],
];

/** The error of a run that decides what happens to its item; undefined without errors. */
export function decisiveError(errors: readonly ErrorData[]): ErrorData | undefined {
  for (const classes of PRECEDENCE) {
    const hit = errors.find((e) => classes.includes(e.class));
    if (hit) return hit;
  }
  return errors[0];
}

/** Failures that quarantine only when they repeat on the same input. */
const REPEAT_LIMIT = 3;

/** What is wrong with an input and may end without anything else changing, such as a file on a drive that is away. */
const COME_BACK = new Set(["file_missing"]);

/** What becomes of an item after a run that ended with `error`. */
export function afterFailure(item: ItemRow, error: ErrorData, now: number, random: number): ItemPatch {
  const reason = reasonOf(error);
  const sameCause = item.streak_code === error.code;
  const streak = sameCause ? item.streak + 1 : 1;
  const streak_since = sameCause ? item.streak_since ?? now : now;
  const repeated = { streak, streak_code: error.code, streak_since };
  const counted = (): ItemPatch => ({
    ...repeated,
    state: "retry_wait",
    lane: "retry",
    reason,
    attempts: item.attempts + 1,
    next_attempt_at: now + retryDelay(item.attempts + 1, random),
  });
  const quarantined = (code = error.code): ItemPatch => ({
    ...repeated,
    state: "quarantined",
    reason: { ...reason, code },
    attempts: item.attempts + 1,
    next_attempt_at: null,
  });
  const deferred = (delay: number): ItemPatch => ({
    ...repeated,
    state: "deferred",
    reason,
    next_attempt_at: now + delay,
  });

  switch (error.class) {
    case "network":
    case "auth":
    case "local":
    case "source":
      return deferred(OUTSIDE[Math.min(streak, OUTSIDE.length) - 1] ?? SECOND);
    case "busy":
      if (now - streak_since >= BUSY_LIMIT) {
        return { ...counted(), reason: { ...reason, code: "source_busy" }, streak: 0 };
      }
      return deferred(BUSY[Math.min(streak, BUSY.length) - 1] ?? MINUTE);
    case "data":
    case "converter":
      return COME_BACK.has(error.code) ? counted() : quarantined();
    case "reader":
      return streak >= REPEAT_LIMIT ? quarantined("reader_crash") : counted();
    case "platform":
      return streak >= REPEAT_LIMIT && error.retry === "never" ? quarantined("platform_rejected") : counted();
    default:
      return counted();
  }
}
