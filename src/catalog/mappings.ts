/** Scope mappings: which platform scope the items of a source-side identifier go to. */
import type { CatalogDatabase } from "./database.ts";

export interface MappingRow {
  id: number;
  scope_identifier: string;
  scope_uuid: string;
}

export class MappingStore {
  constructor(private readonly db: CatalogDatabase) {}

  ofSource(source: number): MappingRow[] {
    return this.db.all(
      "SELECT id, scope_identifier, scope_uuid FROM scope_mappings WHERE source_id = ? ORDER BY scope_identifier",
      source,
    ).map((r) => ({
      id: Number(r.id),
      scope_identifier: String(r.scope_identifier),
      scope_uuid: String(r.scope_uuid),
    }));
  }

  scopeOf(source: number, identifier: string): string | undefined {
    const row = this.db.get(
      "SELECT scope_uuid FROM scope_mappings WHERE source_id = ? AND scope_identifier = ?",
      source,
      identifier,
    );
    return row && String(row.scope_uuid);
  }

  set(source: number, identifier: string, scope: string): void {
    this.db.run(
      `INSERT INTO scope_mappings (source_id, scope_identifier, scope_uuid) VALUES (?,?,?)
       ON CONFLICT (source_id, scope_identifier) DO UPDATE SET scope_uuid = excluded.scope_uuid`,
      source,
      identifier,
      scope,
    );
  }

  /** @returns false when there was none */
  remove(source: number, identifier: string): boolean {
    return this.db.run(
      "DELETE FROM scope_mappings WHERE source_id = ? AND scope_identifier = ?",
      source,
      identifier,
    ) > 0;
  }
}
