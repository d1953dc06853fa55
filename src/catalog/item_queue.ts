/** The queue of items: which one is due next, and what makes items due again. */
import type { ErrorClass } from "../kit/errors.ts";
import type { CatalogDatabase } from "./database.ts";
import { COLUMNS, type ItemRow, type Lane, parseItem } from "./item_rows.ts";

export class ItemQueue {
  constructor(private readonly db: CatalogDatabase) {}

  /**
   * The item of a lane that should start next for a source, or undefined (order: docs/RULES.md, L11). Each look follows an
   * index to its first hit, however many items wait.
   */
  nextDue(
    source: number,
    lane: Lane | "asked",
    now: number,
    except: readonly number[],
  ): ItemRow | undefined {
    const first = (where: string, order: string, ...values: (string | number)[]) => {
      const row = this.db.get(
        `SELECT ${COLUMNS} FROM items WHERE source_id = ?1 AND due_at <= ?2
         AND id NOT IN (SELECT value FROM json_each(?3)) AND ${where} ORDER BY ${order} LIMIT 1`,
        source,
        now,
        JSON.stringify(except),
        ...values,
      );
      return row ? [parseItem(row)] : [];
    };
    const timed = "next_attempt_at <= ?4 AND state IN ('deferred','retry_wait')";
    if (lane === "asked") {
      const asked = `has_priority = 1 AND (state IN ('waiting','settling') OR (${timed}))`;
      return first(asked, "updated, id", now)[0];
    }
    const waiting = ["waiting", "settling"].flatMap((state) =>
      first("state = ?4 AND lane = ?5 AND has_priority = 0", "priority DESC", state, lane)
    );
    const again = first(`${timed} AND lane = ?5 AND has_priority = 0`, "next_attempt_at", now, lane);
    if (lane === "retry") return again[0] ?? waiting[0];
    return [...waiting, ...again].reduce<ItemRow | undefined>(
      (best, item) => best === undefined || item.priority > best.priority ? item : best,
      undefined,
    );
  }

  /** How many are due now or only wait for their input to be quiet, and when the first of the latter is. */
  pending(
    source: number,
    now: number,
  ): { due: number; settling: number; firstQuietAt: number | null } {
    const row = this.db.get(
      `SELECT count(*) FILTER (WHERE due_at <= ?2) AS due, count(*) FILTER (WHERE due_at > ?2) AS settling,
       min(CASE WHEN due_at > ?2 THEN due_at END) AS first
       FROM (
         SELECT due_at FROM items WHERE source_id = ?1 AND state IN ('waiting','settling')
         UNION ALL
         SELECT due_at FROM items
         WHERE source_id = ?1 AND state IN ('deferred','retry_wait') AND next_attempt_at <= ?2
       )`,
      source,
      now,
    );
    return {
      due: Number(row?.due),
      settling: Number(row?.settling),
      firstQuietAt: row?.first === null || row?.first === undefined ? null : Number(row.first),
    };
  }

  /** Whether anything may start now or waits for its input to be quiet; one look into an index, however many wait. */
  hasWork(source: number, now: number): boolean {
    return this.db.get(
      `SELECT 1 FROM items WHERE source_id = ?1 AND state IN ('waiting','settling')
       UNION ALL
       SELECT 1 FROM items WHERE source_id = ?1 AND next_attempt_at <= ?2 AND state IN ('deferred','retry_wait')
       LIMIT 1`,
      source,
      now,
    ) !== undefined;
  }

  /** When the next item of a source becomes due only because time goes by, ms; null when none does. */
  nextDueAt(source: number, now: number): number | null {
    const row = this.db.get(
      `SELECT min(at) AS at FROM (
         SELECT min(due_at) AS at FROM items WHERE source_id = ?1 AND state IN ('waiting','settling') AND due_at > ?2
         UNION ALL
         SELECT min(next_attempt_at) FROM items
         WHERE source_id = ?1 AND next_attempt_at > ?2 AND state IN ('deferred','retry_wait'))`,
      source,
      now,
    );
    return row?.at === null || row?.at === undefined ? null : Number(row.at);
  }

  /** Makes items due whose cause lay outside of them and is gone. */
  releaseDeferred(classes: readonly ErrorClass[], now: number): number {
    return this.db.run(
      `UPDATE items SET next_attempt_at = ?1, updated = ?1 WHERE state = 'deferred' AND next_attempt_at > ?1
       AND json_extract(reason, '$.class') IN (SELECT value FROM json_each(?2))`,
      now,
      JSON.stringify(classes),
    );
  }

  /**
   * Items a killed run left behind go back to the queue with unchanged attempts (L23).
   * @param running items that do run
   * @param followsLive items whose live session ended with the agent are left to be opened again
   */
  recoverInterrupted(now: number, running: readonly number[] = [], followsLive = false): number {
    return this.db.run(
      `UPDATE items SET state = 'waiting', updated = ?1 WHERE (state = 'running' OR (state = 'live' AND ?3 = 0))
       AND id NOT IN (SELECT value FROM json_each(?2))`,
      now,
      JSON.stringify(running),
      Number(followsLive),
    );
  }

  /** Items of a source that are or were being followed live. */
  live(source: number): number[] {
    return this.db.all("SELECT id FROM items WHERE source_id = ? AND state = 'live'", source).map((r) =>
      Number(r.id)
    );
  }

  /** A live session of the item begins: it waits for its end. What runs is judged by its run. */
  holdLive(id: number, now: number): void {
    this.db.run(
      `UPDATE items SET state = 'live', reason = NULL, next_attempt_at = NULL, updated = ?
       WHERE id = ? AND state NOT IN ('running','vanished','deleted_locally')`,
      now,
      id,
    );
  }

  /** The live session is over or parked: the item is due at once, before others. */
  releaseLive(id: number, now: number): void {
    this.db.run(
      `UPDATE items SET state = CASE WHEN state = 'running' THEN state ELSE 'waiting' END, lane = 'new', has_priority = 1,
       due_at = min(due_at, ?1), next_attempt_at = NULL, updated = ?1
       WHERE id = ?2 AND state NOT IN ('vanished','deleted_locally')`,
      now,
      id,
    );
  }

  /** A wall clock that was set back must not postpone retries beyond their interval (L8). */
  rebaseClock(now: number): void {
    this.db.run(
      `UPDATE items SET next_attempt_at = ?1 + (next_attempt_at - updated), updated = ?1
       WHERE updated > ?1 AND next_attempt_at IS NOT NULL`,
      now,
    );
    this.db.run(
      `UPDATE items SET changed_at = min(changed_at, ?1), changed_since = min(changed_since, ?1), due_at = min(due_at, ?1),
       absent_since = min(absent_since, ?1), streak_since = min(streak_since, ?1)
       WHERE changed_at > ?1 OR changed_since > ?1 OR due_at > ?1 + 60000 OR absent_since > ?1 OR streak_since > ?1`,
      now,
    );
  }

  /** Gives quarantined items another chance when the code that judged them has changed. */
  liftQuarantine(source: number, verdictKey: string, now: number): number {
    return this.db.run(
      `UPDATE items SET state = 'waiting', lane = 'backfill', attempts = 0, streak = 0, streak_code = NULL, updated = ?
       WHERE source_id = ? AND state = 'quarantined' AND verdict_key IS NOT ?`,
      now,
      source,
      verdictKey,
    );
  }

  /** Resets the failed items of a source, or all; they go to the back-fill lane. */
  resetSource(source: number, includeSuccessful: boolean, now: number): number {
    return this.db.run(
      `UPDATE items SET state = 'waiting', reason = NULL, lane = 'backfill', attempts = 0, streak = 0,
       streak_code = NULL, streak_since = NULL, next_attempt_at = NULL, verdict_key = NULL, updated = ?
       WHERE source_id = ? AND (? = 1 OR state IN ('retry_wait','quarantined','vanished'))`,
      now,
      source,
      Number(includeSuccessful),
    );
  }

  /** Makes items due whose scope may have changed: unmapped ones, and pushed ones when `moved`. */
  requeueForScope(source: number, identifier: string | null, moved: boolean, now: number): number {
    return this.db.run(
      `UPDATE items SET state = 'waiting', lane = 'backfill', reason = NULL, next_attempt_at = NULL, updated = ?1
       WHERE source_id = ?2 AND (?3 IS NULL OR scope_identifier = ?3)
       AND (state = 'unmapped' OR (?4 = 1 AND state IN ('done','deleted_locally')) OR state IN ('retry_wait','quarantined'))`,
      now,
      source,
      identifier,
      Number(moved),
    );
  }

  /** Items that lost their mapping before they were ever synchronized. */
  unmapWaiting(source: number, identifier: string, now: number): void {
    this.db.run(
      `UPDATE items SET state = 'unmapped', updated = ? WHERE source_id = ? AND scope_identifier = ?
       AND state NOT IN ('done','deleted_locally')`,
      now,
      source,
      identifier,
    );
  }

  /** Scope identifiers of items without a scope, sorted and distinct (C6). */
  unmappedIdentifiers(source: number): string[] {
    return this.db.all(
      `SELECT DISTINCT scope_identifier AS s FROM items WHERE source_id = ? AND state = 'unmapped'
       AND scope_identifier IS NOT NULL ORDER BY s`,
      source,
    ).map((r) => String(r.s));
  }

  /** Highest priority among the items of a source: the newest one may still be running. */
  newestPriority(source: number): number {
    return Number(this.db.get("SELECT max(priority) AS p FROM items WHERE source_id = ?", source)?.p ?? 0);
  }
}
