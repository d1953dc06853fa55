/** When a changed input may be read (D6): soon after a single change, later while changes go on. */

/** An input that changes again and again is read once it was quiet this long, ms. */
const QUIET_MS = 2000;
/** A first change after a long silence is most often a finished file: it need not wait that long, ms. */
const FIRST_QUIET_MS = 400;
/** Silence after which a change counts as a first one, ms. */
const SILENCE_MS = 10_000;
/** Changes that never end are not waited for longer than this, ms. */
const LONGEST_MS = 30_000;

export interface Settling {
  /** Earliest time at which the input may be read, ms since 1970. */
  due_at: number;
  /** First of the changes that were not read yet. */
  changed_since: number;
}

/**
 * @param changedAt when the input last changed; 0: of no concern (a database row is whole when it is seen)
 * @param before the state before this change: when it last changed, and since when changes wait to be read; null for a
 * new item
 */
export function settle(
  changedAt: number,
  before: { changed_at: number; changed_since: number | null } | null,
  now: number,
): Settling {
  const changed_since = before?.changed_since ?? now;
  if (changedAt === 0) return { due_at: now, changed_since };
  const isFirst = before === null
    ? true
    : before.changed_since === null && changedAt - before.changed_at >= SILENCE_MS;
  const quietAt = Math.min(changedAt, now) + (isFirst ? FIRST_QUIET_MS : QUIET_MS);
  return { due_at: Math.min(quietAt, changed_since + LONGEST_MS), changed_since };
}
