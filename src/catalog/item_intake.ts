/** Takes in what discovery found, and finds out what is gone. */
import type { CatalogDatabase } from "./database.ts";
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
   */
  upsert(source: number, found: readonly FoundItem[], lane: Lane, newUuid: () => string, now: number): void {
    this.db.transaction(() => {
      for (const f of found) this.#upsertOne(source, f, lane, newUuid, now);
    });
  }

  #upsertOne(source: number, f: FoundItem, lane: Lane, newUuid: () => string, now: number): void {
    const known = this.db.get(
      "SELECT id, fingerprint, state, scope_identifier, priority, absent_since, changed_at, changed_since FROM items WHERE source_id = ? AND identifier = ?",
      source,
      f.identifier,
    );
    if (!known) {
      const { due_at, changed_since } = settle(f.changed_at, null, now);
      this.db.run(
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
      return;
    }
    const wasGone = known.state === "vanished" || known.state === "deleted_locally";
    const changed = known.fingerprint !== f.fingerprint;
    if (!changed && !wasGone) {
      if (known.absent_since !== null) {
        this.db.run("UPDATE items SET absent_since = NULL WHERE id = ?", Number(known.id));
      }
      if ((f.scope_identifier ?? null) !== known.scope_identifier || f.priority !== known.priority) {
        this.db.run(
          "UPDATE items SET scope_identifier = ?, priority = ? WHERE id = ?",
          f.scope_identifier ?? null,
          f.priority,
          Number(known.id),
        );
      }
      return;
    }
    const before = {
      changed_at: Number(known.changed_at),
      changed_since: known.changed_since === null ? null : Number(known.changed_since),
    };
    const { due_at, changed_since } = settle(f.changed_at, before, now);
    this.db.run(
      `UPDATE items SET fingerprint = ?, changed_at = ?, due_at = ?, changed_since = ?, scope_identifier = ?, priority = ?,
       state = 'waiting', reason = NULL, lane = ?, attempts = 0, streak = 0, streak_code = NULL, streak_since = NULL,
       next_attempt_at = NULL, absent_since = NULL, updated = ? WHERE id = ?`,
      f.fingerprint,
      f.changed_at,
      due_at,
      changed_since,
      f.scope_identifier ?? null,
      f.priority,
      lane,
      now,
      Number(known.id),
    );
  }

  /** Collects identifiers of one full scan, to find what is absent without holding all of them in memory. */
  beginScan(source: number): void {
    this.db.run(
      "CREATE TEMP TABLE IF NOT EXISTS seen (source_id INTEGER, identifier TEXT, PRIMARY KEY (source_id, identifier)) WITHOUT ROWID",
    );
    this.db.run("DELETE FROM temp.seen WHERE source_id = ?", source);
  }

  markSeen(source: number, identifiers: readonly string[]): void {
    this.db.transaction(() => {
      for (const i of identifiers) this.db.run("INSERT OR IGNORE INTO temp.seen VALUES (?, ?)", source, i);
    });
  }

  /**
   * Ends a full scan: items absent in two looks at least `graceMs` apart become vanished (never synchronized) or
   * deleted_locally (D13). @returns how many changed state
   */
  endScan(source: number, graceMs: number, now: number): number {
    const seen =
      "EXISTS (SELECT 1 FROM temp.seen s WHERE s.source_id = ?1 AND s.identifier = items.identifier)";
    return this.db.transaction(() => {
      this.db.run(
        `UPDATE items SET absent_since = NULL WHERE source_id = ?1 AND absent_since IS NOT NULL AND ${seen}`,
        source,
      );
      this.db.run(
        `UPDATE items SET absent_since = ?2 WHERE source_id = ?1 AND absent_since IS NULL AND NOT ${seen}`,
        source,
        now,
      );
      const gone = this.db.run(
        `UPDATE items SET state = CASE WHEN base IS NULL AND state <> 'done' THEN 'vanished' ELSE 'deleted_locally' END,
         next_attempt_at = NULL, updated = ?2
         WHERE source_id = ?1 AND NOT ${seen} AND absent_since <= ?3
         AND state NOT IN ('vanished','deleted_locally','running')`,
        source,
        now,
        now - graceMs,
      );
      this.db.run("DELETE FROM temp.seen WHERE source_id = ?", source);
      return gone;
    });
  }
}
