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

  put(source: number, path: string, look: Look): void {
    this.db.run("INSERT OR REPLACE INTO looks VALUES (?,?,?,?)", source, path, look.item_id, look.signature);
  }
}
