/** How the inputs of items looked last, so that an unchanged one is recognised without digesting it again. */
import type { CatalogDatabase } from "./database.ts";

export interface Look {
  item_id: number;
  /** Of discovery/item_signature.ts; 0: not to be trusted. */
  signature: number;
}

export class LookStore {
  constructor(private readonly db: CatalogDatabase) {}

  /** @param path relative name on disk; undefined: the item is new, was gone, or moved */
  get(source: number, path: string): Look | undefined {
    const row = this.db.get(
      "SELECT item_id, signature FROM looks WHERE source_id = ? AND path = ?",
      source,
      path,
    );
    return row && { item_id: Number(row.item_id), signature: Number(row.signature) };
  }

  /** Remembers a look; one that is as before is not written again. */
  put(source: number, path: string, look: Look): void {
    this.db.run(
      `INSERT INTO looks VALUES (?1,?2,?3,?4) ON CONFLICT DO UPDATE SET item_id = ?3, signature = ?4
       WHERE item_id <> ?3 OR signature <> ?4`,
      source,
      path,
      look.item_id,
      look.signature,
    );
  }

  /** A page of the items that were there, by their relative names on disk. */
  page(source: number, after: string, limit: number): string[] {
    return this.db.all(
      "SELECT path FROM looks WHERE source_id = ? AND path > ? ORDER BY path LIMIT ?",
      source,
      after,
      limit,
    ).map((r) => String(r.path));
  }

  /** The items of highest priority that were there: relative names on disk. */
  newest(source: number, limit: number): string[] {
    return this.db.all(
      `SELECT coalesce(path, identifier) AS path FROM items WHERE source_id = ?
       AND state NOT IN ('vanished','deleted_locally') ORDER BY priority DESC LIMIT ?`,
      source,
      limit,
    ).map((r) => String(r.path));
  }
}
