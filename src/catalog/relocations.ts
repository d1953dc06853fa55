/** Items whose inputs were renamed or moved: how they are found again, and how they take their new place (3.4). */
import type { CatalogDatabase } from "./database.ts";
import { COLUMNS, type ItemRow, parseItem } from "./item_rows.ts";
import type { Reason } from "./reason.ts";

/** Candidates that are worth a look; more of equal looks are copies by links. */
const CANDIDATES = 10;

/** Where an item's input is now, and how it looks there. */
export type NewPlace = Pick<
  ItemRow,
  | "source_id"
  | "identifier"
  | "path"
  | "scope_identifier"
  | "fingerprint"
  | "changed_at"
  | "due_at"
  | "changed_since"
  | "priority"
>;

export interface Move {
  item: number;
  to: NewPlace;
  /** The place before, as users know it. */
  from: string;
}

export class RelocationStore {
  constructor(private readonly db: CatalogDatabase) {}

  /** Whether any item has a dataset: only those are worth finding again. */
  anyPushed(): boolean {
    return this.db.get("SELECT 1 FROM items WHERE pushed_scope IS NOT NULL LIMIT 1") !== undefined;
  }

  /** How the input of this name looked last; undefined for a new one. */
  known(source: number, identifier: string): { id: number; fingerprint: string } | undefined {
    const row = this.db.get(
      "SELECT id, fingerprint FROM items WHERE source_id = ? AND identifier = ?",
      source,
      identifier,
    );
    return row && { id: Number(row.id), fingerprint: String(row.fingerprint) };
  }

  /** Items with a dataset whose input looked exactly like this: same files by id, size and time. */
  withFingerprint(fingerprint: string): ItemRow[] {
    return this.#candidates("fingerprint = ?", fingerprint);
  }

  /** Items with a dataset of this alt_uid. */
  withAltUid(altUid: string): ItemRow[] {
    return this.#candidates("alt_uid = ?", altUid);
  }

  /**
   * Lets items take the places to which their inputs moved, all at once, so that names can be exchanged. Who was known
   * there before makes room: an item without a dataset is forgotten, any other one is kept as gone.
   */
  relocate(moves: readonly Move[], now: number): void {
    this.db.transaction(() => {
      for (const { item } of moves) {
        this.db.run("UPDATE items SET identifier = ?, path = NULL WHERE id = ?", `\0moving ${item}`, item);
      }
      for (const { item, to, from } of moves) {
        this.#makeRoom(to, now);
        this.db.run(
          `UPDATE items SET source_id = ?, identifier = ?, path = ?, scope_identifier = ?, fingerprint = ?, changed_at = ?,
           due_at = ?, changed_since = ?, priority = ?, moved_from = ?, state = 'waiting', lane = 'new', reason = NULL,
           attempts = 0, streak = 0, streak_code = NULL, streak_since = NULL, next_attempt_at = NULL, absent_since = NULL,
           updated = ? WHERE id = ?`,
          to.source_id,
          to.identifier,
          to.path,
          to.scope_identifier,
          to.fingerprint,
          to.changed_at,
          to.due_at,
          to.changed_since,
          to.priority,
          from,
          now,
          item,
        );
      }
    });
  }

  #makeRoom({ source_id, identifier }: NewPlace, now: number): void {
    const there = this.db.get(
      "SELECT id, pushed_scope FROM items WHERE source_id = ? AND identifier = ?",
      source_id,
      identifier,
    );
    if (!there) return;
    const id = Number(there.id);
    if (there.pushed_scope === null) {
      this.db.run("DELETE FROM items WHERE id = ?", id);
      return;
    }
    const reason: Reason = {
      code: "replaced_locally",
      class: "data",
      retry: "never",
      blame: "file",
      message: `"${identifier}" is another measurement now; the dataset stays on the platform`,
      hint: "",
    };
    this.db.run(
      `UPDATE items SET identifier = ?, path = NULL, state = 'deleted_locally', reason = ?, next_attempt_at = NULL,
       updated = ? WHERE id = ?`,
      `${identifier} (replaced, item ${id})`,
      JSON.stringify(reason),
      now,
      id,
    );
  }

  #candidates(where: string, value: string): ItemRow[] {
    return this.db.all(
      `SELECT ${COLUMNS} FROM items WHERE ${where} AND pushed_scope IS NOT NULL ORDER BY id LIMIT ${CANDIDATES}`,
      value,
    ).map(parseItem);
  }
}
