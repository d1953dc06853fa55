/** How users say which source they mean. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";

/** A source by its name, or by its id. */
export type SourceRef = string | number;

/** @throws SyncError `sync_source_not_found` */
export function findSource({ sources }: Pick<Catalog, "sources">, source: SourceRef): SourceRow {
  const row = typeof source === "number" ? sources.byId(source) : sources.byName(source);
  if (row) return row;
  const which = typeof source === "number" ? `with id ${source}` : `"${source}"`;
  throw new SyncError("usage", "sync_source_not_found", `there is no source ${which}`, {
    hint: "List them with: etiket-sync source list",
  });
}
