/** Takes in what discovery found, and finds out what is gone. */
import type { CatalogDatabase } from "./database.ts";
import type { Reason } from "./reason.ts";
import { settle } from "./settle.ts";
import type { Lane } from "./item_rows.ts";

/** What discovery knows of an item. */
export interface FoundItem {
  identifier: string;
  /** Relative name on disk when it is not the identifier (other Unicode normalization). */
  path?: string | undefined;
  priority: number;
  fingerprint: string;
  scope_identifier?: string | undefined;
  dataset_uuid?: string | undefined;
  /** When the input last changed, ms; 0 when that is of no concern. */
  changed_at: number;
}

export class ItemIntake {
  constructor(private readonly db: CatalogDatabase) {}

  /**
   * Takes in what discovery found (L6): a known item keeps its dataset uuid and record and is made due only when its
   * fingerprint changed or it was gone; the last of equal identifiers wins.
   * @returns the ids of the items, in the order of `found`
   */
  upsert(
    source: number,
    found: readonly FoundItem[],
    lane: Lane,
    newUuid: () => string,
    now: number,
  ): number[] {
    return this.db.transaction(() => found.map((f) => this.#upsertOne(source, f, lane, newUuid, now)));
  }

  #upsertOne(source: number, f: FoundItem, lane: Lane, newUuid: () => string, now: number): number {
    const known = this.db.get(
      "SELECT id, fingerprint, state, scope_identifier, priority, absent_since, changed_at, changed_since FROM items WHERE source_id = ? AND identifier = ?",
      source,
      f.identifier,
    );
    if (!known) {
      const { due_at, changed_since } = settle(f.changed_at, null, now);
      return this.db.insert(
        `INSERT INTO items (source_id, identifier, path, dataset_uuid, scope_identifier, fingerprint, changed_at,
         due_at, changed_since, state, lane, priority, updated) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
        source,
        f.identifier,
        f.path ?? null,
        f.dataset_uuid ?? newUuid(),
        f.scope_identifier ?? null,
        f.fingerprint,
        f.changed_at,
        due_at,
        changed_since,
        "waiting",
        lane,
        f.priority,
        now,
      );
    }
    const id = Number(known.id);
    const wasGone = known.state === "vanished" || known.state === "deleted_locally";
    const changed = known.fingerprint !== f.fingerprint;
    if (!changed && !wasGone) {
      if (known.absent_since !== null) {
        this.db.run("UPDATE items SET absent_since = NULL WHERE id = ?", id);
      }
      if ((f.scope_identifier ?? null) !== known.scope_identifier || f.priority !== known.priority) {
        this.db.run(
          "UPDATE items SET scope_identifier = ?, priority = ? WHERE id = ?",
          f.scope_identifier ?? null,
          f.priority,
          id,
        );
      }
      return id;
    }
    const before = {
      changed_at: Number(known.changed_at),
      changed_since: known.changed_since === null ? null : Number(known.changed_since),
    };
    const { due_at, changed_since } = settle(f.changed_at, before, now);
    this.db.run(
      `UPDATE items SET fingerprint = ?, changed_at = ?, due_at = ?, changed_since = ?, scope_identifier = ?, priority = ?,
       state = CASE WHEN state = 'live' THEN state ELSE 'waiting' END, reason = NULL, lane = ?, attempts = 0, streak = 0, streak_code = NULL, streak_since = NULL,
       next_attempt_at = NULL, absent_since = NULL, updated = ? WHERE id = ?`,
      f.fingerprint,
      f.changed_at,
      due_at,
      changed_since,
      f.scope_identifier ?? null,
      f.priority,
      lane,
      now,
      id,
    );
    return id;
  }

  /** How many items of a source are not known to be gone. */
  presentCount(source: number): number {
    return Number(
      this.db.get(
        "SELECT count(*) AS n FROM items WHERE source_id = ? AND state NOT IN ('vanished','deleted_locally')",
        source,
      )?.n,
    );
  }

  /** A page of the items of a source by identifier, to go through all of them in little memory. */
  page(source: number, after: string | null, limit: number): { id: number; identifier: string }[] {
    return this.db.all(
      `SELECT id, identifier FROM items WHERE source_id = ?1 AND identifier > ?2 ORDER BY identifier LIMIT ?3`,
      source,
      after ?? "",
      limit,
    ).map((r) => ({ id: Number(r.id), identifier: String(r.identifier) }));
  }

  /** As {@link page}, of the item with this identifier and those below it; all for "". */
  pageBelow(
    source: number,
    identifier: string,
    after: string | null,
    limit: number,
  ): { id: number; identifier: string }[] {
    if (identifier === "") return this.page(source, after, limit);
    // "0" follows "/": the range holds what begins with the identifier and a slash.
    return this.db.all(
      `SELECT id, identifier FROM items WHERE source_id = ?1 AND identifier = ?2 AND identifier > ?4
       UNION ALL
       SELECT id, identifier FROM items
       WHERE source_id = ?1 AND identifier > max(?2 || '/', ?4) AND identifier < ?2 || '0'
       ORDER BY identifier LIMIT ?3`,
      source,
      identifier,
      limit,
      after ?? "",
    ).map((r) => ({ id: Number(r.id), identifier: String(r.identifier) }));
  }

  /** Items whose input was absent in a look at or before `since` and that are not known to be gone. */
  absentSince(source: number, since: number, limit: number): number[] {
    return this.db.all(
      `SELECT id FROM items WHERE source_id = ? AND absent_since <= ?
       AND state NOT IN ('vanished','deleted_locally') ORDER BY absent_since LIMIT ?`,
      source,
      since,
      limit,
    ).map((r) => Number(r.id));
  }

  /** When the first of the items that are absent became so, ms; null when none is. */
  firstAbsentAt(source: number): number | null {
    const at = this.db.get(
      `SELECT min(absent_since) AS at FROM items WHERE source_id = ? AND absent_since IS NOT NULL
       AND state NOT IN ('vanished','deleted_locally')`,
      source,
    )?.at;
    return at === null || at === undefined ? null : Number(at);
  }

  /**
   * Inputs that a look did not find: absent in two looks at least `graceMs` apart they become vanished (never
   * synchronized) or deleted_locally (D13). One that was never synchronized and is known elsewhere, as it was, only moved:
   * it is forgotten.
   * @param reason why it is no item any more, when that is not that everything is gone
   * @returns how many changed state
   */
  absent(items: readonly number[], graceMs: number, now: number, reason: Reason | null = null): number {
    const ids = JSON.stringify(items);
    return this.db.transaction(() => {
      this.db.run(
        `DELETE FROM items WHERE id IN (SELECT value FROM json_each(?1)) AND absent_since <= ?2
         AND pushed_scope IS NULL AND state <> 'running' AND EXISTS (
           SELECT 1 FROM items AS other WHERE other.fingerprint = items.fingerprint AND other.pushed_scope IS NOT NULL)`,
        ids,
        now - graceMs,
      );
      this.db.run(
        `UPDATE items SET absent_since = ?1 WHERE id IN (SELECT value FROM json_each(?2)) AND absent_since IS NULL`,
        now,
        ids,
      );
      return this.db.run(
        `UPDATE items SET state = CASE WHEN base IS NULL AND state <> 'done' THEN 'vanished' ELSE 'deleted_locally' END,
         reason = ?4, next_attempt_at = NULL, updated = ?1
         WHERE id IN (SELECT value FROM json_each(?2)) AND absent_since <= ?3
         AND state NOT IN ('vanished','deleted_locally','running')`,
        now,
        ids,
        now - graceMs,
        reason === null ? null : JSON.stringify(reason),
      );
    });
  }
}
