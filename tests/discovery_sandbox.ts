/** A folder source in a catalog of its own, to be discovered without readers, platform or engine. */
import { Catalog } from "../src/catalog/catalog.ts";
import type { ItemRow } from "../src/catalog/item_rows.ts";
import { discover } from "../src/engine/lookout/discover.ts";
import type { FolderSourcePlan } from "../src/engine/services.ts";
import type { ReadySource, Services } from "../src/engine/services.ts";
import { type Env, systemEnv } from "../src/env.ts";

export class DiscoverySandbox {
  readonly catalog: Catalog;
  readonly s: Services;
  readonly source: ReadySource;
  readonly plan: FolderSourcePlan;

  /** @param temp folder of the catalog */
  constructor(temp: string, plan: Partial<FolderSourcePlan> & { root: string }, env: Env = systemEnv) {
    this.catalog = Catalog.open(`${temp}/catalog.db`);
    // Only these are used.
    this.s = { env, catalog: this.catalog } as Services;
    this.plan = {
      kind: "folder",
      level: -1,
      single_file: false,
      server_folder: false,
      name_pattern: null,
      scope_from_path: false,
      ...plan,
    };
    const id = this.catalog.sources.byName("s")?.id ?? this.catalog.sources.add(
      { name: "s", backend: "b", config: {}, default_scope: null, autoassign: false, owner: null },
      env.now(),
    );
    const row = this.catalog.sources.byId(id);
    if (!row) throw new Error("no source");
    const info = {
      identifier: "b",
      display_name: "B",
      aliases: [],
      version: "1",
      kind: "folder",
      scope_policy: "OPTIONAL",
      supports_scope_mapping: false,
      has_owner: false,
      live: false,
      fields: [],
      origin: "built-in",
    } as const;
    this.source = { row, info: { ...info, aliases: [], fields: [] }, config: {}, plan: this.plan };
  }

  get id(): number {
    return this.source.row.id;
  }

  discover(): Promise<void> {
    return discover(this.s, this.source);
  }

  items(): ItemRow[] {
    return this.catalog.items.list({ source_id: this.id, limit: -1, offset: 0 });
  }

  item(identifier: string): ItemRow | undefined {
    return this.catalog.items.byIdentifier(this.id, identifier);
  }

  close(): void {
    this.catalog.close();
  }
}
