/** Items: one unit of synchronization each, with its state, attempts and memory of what was pushed. */
import { z } from "zod";
import type { CatalogDatabase, Row } from "./database.ts";
import { reasonJson } from "./reason.ts";

export const ITEM_STATES = [
  "waiting",
  "settling",
  "running",
  "live",
  "deferred",
  "not_started",
  "no_credentials",
  "unmapped",
  "retry_wait",
  "quarantined",
  "vanished",
  "done",
  "deleted_locally",
] as const;
export type ItemState = typeof ITEM_STATES[number];
export type Lane = "new" | "backfill" | "retry";

const schema = z.object({
  id: z.number(),
  source_id: z.number(),
  identifier: z.string(),
  path: z.string().nullable(),
  dataset_uuid: z.string(),
  scope_identifier: z.string().nullable(),
  fingerprint: z.string(),
  changed_at: z.number(),
  state: z.enum(ITEM_STATES),
  reason: reasonJson,
  lane: z.enum(["new", "backfill", "retry"]),
  priority: z.number(),
  has_priority: z.number().transform(Boolean),
  attempts: z.number(),
  streak: z.number(),
  streak_code: z.string().nullable(),
  streak_since: z.number().nullable(),
  next_attempt_at: z.number().nullable(),
  absent_since: z.number().nullable(),
  verdict_key: z.string().nullable(),
  pushed_scope: z.string().nullable(),
  alt_uid: z.string().nullable(),
  base: z.string().nullable(),
  updated: z.number(),
});
export type ItemRow = z.infer<typeof schema>;

/** Columns without the record, which can be large. */
const COLUMNS = Object.keys(schema.shape).join(", ");

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

export interface ItemFilter {
  source_id?: number | undefined;
  states?: readonly ItemState[] | undefined;
  query?: string | undefined;
  limit: number;
  offset: number;
}

/** An item's columns that the engine changes after a run; absent ones stay. */
export type ItemPatch = Partial<
  Pick<
    ItemRow,
    | "state"
    | "reason"
    | "lane"
    | "has_priority"
    | "attempts"
    | "streak"
    | "streak_code"
    | "streak_since"
    | "next_attempt_at"
    | "fingerprint"
    | "changed_at"
    | "verdict_key"
    | "dataset_uuid"
    | "scope_identifier"
    | "pushed_scope"
    | "alt_uid"
    | "base"
  >
>;

export class ItemStore {
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
      "SELECT id, fingerprint, state, scope_identifier, priority, absent_since FROM items WHERE source_id = ? AND identifier = ?",
      source,
      f.identifier,
    );
    if (!known) {
      this.db.run(
        `INSERT INTO items (source_id, identifier, path, dataset_uuid, scope_identifier, fingerprint, changed_at,
         state, lane, priority, updated) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
        source,
        f.identifier,
        f.path ?? null,
        f.dataset_uuid ?? newUuid(),
        f.scope_identifier ?? null,
        f.fingerprint,
        f.changed_at,
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
    this.db.run(
      `UPDATE items SET fingerprint = ?, changed_at = ?, scope_identifier = ?, priority = ?, state = 'waiting',
       reason = NULL, lane = ?, attempts = 0, streak = 0, streak_code = NULL, streak_since = NULL,
       next_attempt_at = NULL, absent_since = NULL, updated = ? WHERE id = ?`,
      f.fingerprint,
      f.changed_at,
      f.scope_identifier ?? null,
      f.priority,
      lane,
      now,
      Number(known.id),
    );
  }

  byId(id: number): ItemRow | undefined {
    const row = this.db.get(`SELECT ${COLUMNS} FROM items WHERE id = ?`, id);
    return row && parse(row);
  }

  byIdentifier(source: number, identifier: string): ItemRow | undefined {
    const row = this.db.get(
      `SELECT ${COLUMNS} FROM items WHERE source_id = ? AND identifier = ?`,
      source,
      identifier,
    );
    return row && parse(row);
  }

  ofDataset(uuid: string): ItemRow[] {
    return this.db.all(`SELECT ${COLUMNS} FROM items WHERE dataset_uuid = ? ORDER BY id`, uuid).map(parse);
  }

  list(filter: ItemFilter): ItemRow[] {
    const states = filter.states ?? ITEM_STATES;
    return this.db.all(
      `SELECT ${COLUMNS} FROM items WHERE (?1 IS NULL OR source_id = ?1)
       AND state IN (SELECT value FROM json_each(?2))
       AND (?3 IS NULL OR instr(lower(identifier), lower(?3)) > 0)
       ORDER BY source_id, priority DESC, id LIMIT ?4 OFFSET ?5`,
      filter.source_id ?? null,
      JSON.stringify(states),
      filter.query ?? null,
      filter.limit,
      filter.offset,
    ).map(parse);
  }

  /**
   * The item of a lane that should start next for a source, or undefined (order: docs/RULES.md, L11). Each look follows an
   * index to its first hit, however many items wait.
   * @param quietMs an input must have been quiet this long
   */
  nextDue(
    source: number,
    lane: Lane | "asked",
    now: number,
    quietMs: number,
    except: readonly number[],
  ): ItemRow | undefined {
    const first = (where: string, order: string, ...values: (string | number)[]) => {
      const row = this.db.get(
        `SELECT ${COLUMNS} FROM items WHERE source_id = ?1 AND changed_at <= ?2
         AND id NOT IN (SELECT value FROM json_each(?3)) AND ${where} ORDER BY ${order} LIMIT 1`,
        source,
        now - quietMs,
        JSON.stringify(except),
        ...values,
      );
      return row ? [parse(row)] : [];
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
    quietMs: number,
  ): { due: number; settling: number; firstQuietAt: number | null } {
    const row = this.db.get(
      `SELECT count(*) FILTER (WHERE changed_at + ?3 <= ?2) AS due, count(*) FILTER (WHERE changed_at + ?3 > ?2) AS settling,
       min(CASE WHEN changed_at + ?3 > ?2 THEN changed_at + ?3 END) AS first
       FROM items WHERE source_id = ?1
       AND (state IN ('waiting','settling') OR (state IN ('deferred','retry_wait') AND next_attempt_at <= ?2))`,
      source,
      now,
      quietMs,
    );
    return {
      due: Number(row?.due),
      settling: Number(row?.settling),
      firstQuietAt: row?.first === null || row?.first === undefined ? null : Number(row.first),
    };
  }

  update(id: number, patch: ItemPatch, now: number): void {
    const entries = Object.entries(patch);
    this.db.note(
      `UPDATE items SET ${entries.map(([k]) => `${k} = ?, `).join("")} updated = ? WHERE id = ?`,
      ...entries.map(([k, v]) =>
        k === "reason"
          ? (v === null ? null : JSON.stringify(v))
          : typeof v === "boolean"
          ? Number(v)
          : v as string | number | null
      ),
      now,
      id,
    );
  }

  /** The sync record as stored (compressed JSON), or undefined. */
  record(id: number): Uint8Array | undefined {
    const blob = this.db.get("SELECT record FROM items WHERE id = ?", id)?.record;
    return blob instanceof Uint8Array ? blob : undefined;
  }

  setRecord(id: number, record: Uint8Array): void {
    this.db.run("UPDATE items SET record = ? WHERE id = ?", record, id);
  }

  /** Items a killed run left behind go back to the queue with unchanged attempts (L23). */
  recoverInterrupted(now: number): number {
    return this.db.run("UPDATE items SET state = 'waiting', updated = ? WHERE state = 'running'", now);
  }

  /** A wall clock that was set back must not postpone retries beyond their interval (L8). */
  rebaseClock(now: number): void {
    this.db.run(
      `UPDATE items SET next_attempt_at = ?1 + (next_attempt_at - updated), updated = ?1
       WHERE updated > ?1 AND next_attempt_at IS NOT NULL`,
      now,
    );
    this.db.run("UPDATE items SET changed_at = ?1 WHERE changed_at > ?1", now);
  }

  /** Attempts 0, quarantine lifted, due now; keeps journals and hashes. */
  reset(id: number, now: number): void {
    this.db.run(
      `UPDATE items SET state = 'waiting', reason = NULL, attempts = 0, streak = 0, streak_code = NULL,
       streak_since = NULL, next_attempt_at = NULL, verdict_key = NULL, updated = ? WHERE id = ?`,
      now,
      id,
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

  prioritize(id: number, now: number): void {
    this.db.run(
      `UPDATE items SET has_priority = 1, state = CASE WHEN state = 'running' THEN state ELSE 'waiting' END,
       next_attempt_at = NULL, updated = ? WHERE id = ?`,
      now,
      id,
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

  /**
   * The source looks elsewhere now: equal names need not be equal measurements, so each item gets a dataset of its own
   * again unless its manifest or alt_uid says which one it is.
   */
  forgetDatasets(source: number, newUuid: () => string, now: number): void {
    this.db.transaction(() => {
      for (const { id } of this.db.all("SELECT id FROM items WHERE source_id = ?", source)) {
        this.db.run(
          `UPDATE items SET dataset_uuid = ?, base = NULL, pushed_scope = NULL, alt_uid = NULL, fingerprint = '', updated = ?
           WHERE id = ?`,
          newUuid(),
          now,
          Number(id),
        );
      }
    });
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

  /** A dataset folder was renamed or moved: its item takes over the place of the one found there (3.4). */
  relocate(known: number, found: ItemRow, now: number): void {
    this.db.transaction(() => {
      this.db.run("DELETE FROM items WHERE id = ?", found.id);
      this.db.run(
        `UPDATE items SET source_id = ?, identifier = ?, path = ?, fingerprint = ?, changed_at = ?, state = ?, lane = ?,
         priority = ?, scope_identifier = ?, reason = NULL, absent_since = NULL, next_attempt_at = NULL, updated = ? WHERE id = ?`,
        found.source_id,
        found.identifier,
        found.path,
        found.fingerprint,
        found.changed_at,
        found.state,
        found.lane,
        found.priority,
        found.scope_identifier,
        now,
        known,
      );
    });
  }

  /** Highest priority among the items of a source: the newest one may still be running. */
  newestPriority(source: number): number {
    return Number(this.db.get("SELECT max(priority) AS p FROM items WHERE source_id = ?", source)?.p ?? 0);
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

function parse(row: Row): ItemRow {
  return schema.parse({ ...row });
}
