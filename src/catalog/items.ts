/** Items: one unit of synchronization each, with its state, attempts and memory of what was pushed. */
import type { CatalogDatabase } from "./database.ts";
import { COLUMNS, ITEM_STATES, type ItemRow, type ItemState, parseItem } from "./item_rows.ts";

export interface ItemFilter {
  source_id?: number | undefined;
  states?: readonly ItemState[] | undefined;
  query?: string | undefined;
  has_priority?: boolean | undefined;
  scope_identifier?: string | undefined;
  /** Default: newest first within their source. */
  order?: ItemOrder | undefined;
  limit: number;
  offset: number;
}

export interface ItemOrder {
  by: keyof typeof ORDERS;
  descending: boolean;
}

const ORDERS = { id: "id", last_update: "updated", attempts: "attempts", priority: "priority" } as const;

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
    | "due_at"
    | "changed_since"
    | "verdict_key"
    | "dataset_uuid"
    | "scope_identifier"
    | "pushed_scope"
    | "alt_uid"
    | "base"
    | "moved_from"
    | "intent"
    | "is_secondary"
  >
>;

export class ItemStore {
  constructor(private readonly db: CatalogDatabase) {}

  byId(id: number): ItemRow | undefined {
    const row = this.db.get(`SELECT ${COLUMNS} FROM items WHERE id = ?`, id);
    return row && parseItem(row);
  }

  byIdentifier(source: number, identifier: string): ItemRow | undefined {
    const row = this.db.get(
      `SELECT ${COLUMNS} FROM items WHERE source_id = ? AND identifier = ?`,
      source,
      identifier,
    );
    return row && parseItem(row);
  }

  ofDataset(uuid: string): ItemRow[] {
    return this.db.all(`SELECT ${COLUMNS} FROM items WHERE dataset_uuid = ? ORDER BY id`, uuid).map(
      parseItem,
    );
  }

  /** Only the ids are sorted, and only what is asked for is a condition: a page of many items follows an index. */
  list(filter: ItemFilter): ItemRow[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, value: string | number | undefined) => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    const states = filter.states && new Set(filter.states);
    where("source_id = ?", filter.source_id);
    if (states && states.size < ITEM_STATES.length) {
      where("state IN (SELECT value FROM json_each(?))", JSON.stringify([...states]));
    }
    where("instr(lower(identifier), lower(?)) > 0", filter.query);
    where("has_priority = ?", filter.has_priority === undefined ? undefined : Number(filter.has_priority));
    where("scope_identifier = ?", filter.scope_identifier);
    return this.db.all(
      `SELECT ${COLUMNS} FROM items WHERE id IN (
         SELECT id FROM items ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""}
         ORDER BY ${orderOf(filter)} LIMIT ? OFFSET ?
       ) ORDER BY ${orderOf(filter)}`,
      ...values,
      filter.limit,
      filter.offset,
    ).map(parseItem);
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

  /** Attempts 0, quarantine lifted, due now; keeps journals and hashes. */
  reset(id: number, now: number): void {
    this.db.run(
      `UPDATE items SET state = 'waiting', reason = NULL, attempts = 0, streak = 0, streak_code = NULL,
       streak_since = NULL, next_attempt_at = NULL, verdict_key = NULL, updated = ? WHERE id = ?`,
      now,
      id,
    );
  }

  prioritize(id: number, now: number): void {
    this.db.run(
      `UPDATE items SET has_priority = 1, state = CASE WHEN state IN ('running','live') THEN state ELSE 'waiting' END,
       next_attempt_at = NULL, updated = ? WHERE id = ?`,
      now,
      id,
    );
  }

  /**
   * The source looks elsewhere now: equal names need not be equal measurements, so each item gets a dataset of its own
   * again unless its manifest or alt_uid says which one it is.
   */
  forgetDatasets(source: number, newUuid: () => string, now: number): void {
    this.db.transaction(() => {
      // Files that only lie elsewhere now would look as before, and their items be taken for done.
      this.db.run("DELETE FROM looks WHERE source_id = ?", source);
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
}

function orderOf({ order, source_id }: ItemFilter): string {
  if (!order) return source_id === undefined ? "source_id, priority DESC, id DESC" : "priority DESC, id DESC";
  const direction = order.descending ? "DESC" : "ASC";
  return `${ORDERS[order.by]} ${direction}, id ${direction}`;
}
