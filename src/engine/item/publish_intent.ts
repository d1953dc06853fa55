/**
 * What a run is about to tell the platform, kept before it does: after a kill the next run can tell whether it was done,
 * and does not take the agent's own change for one of the user's (L22).
 */
import { z } from "zod";
import type { Catalog } from "../../catalog/catalog.ts";
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { Dataset } from "../../platform/client.ts";
import { isSame, type Metadata, metadataSchema } from "./metadata.ts";

const intentSchema = z.object({
  dataset: z.string(),
  /** Scope that the dataset is moved to. */
  scope: z.string().optional(),
  /** Metadata that are sent … */
  changes: metadataSchema.partial().optional(),
  /** … and what the source says as a whole, the base from then on. */
  local: metadataSchema.optional(),
});
export type Intent = z.infer<typeof intentSchema>;

/** Durable when this returns, also through a power cut. */
export function keepIntent(catalog: Catalog, item: number, intent: Intent, now: number): void {
  catalog.transaction(() => catalog.items.update(item, { intent: JSON.stringify(intent) }, now));
}

/** What the platform was told last, also by a run that could not write it down any more. */
export function lastTold(
  item: Pick<ItemRow, "base" | "pushed_scope" | "intent">,
  remote: Dataset | null,
): { base: Metadata | null; pushed_scope: string | null } {
  const base = item.base === null ? null : metadataSchema.parse(JSON.parse(item.base));
  const known = { base, pushed_scope: item.pushed_scope };
  const intent = item.intent === null ? undefined : intentSchema.parse(JSON.parse(item.intent));
  if (!intent || intent.dataset !== remote?.uuid) return known;
  const { scope, changes, local } = intent;
  if (scope === remote.scope.uid) known.pushed_scope = scope;
  if (changes && local && isDone(changes, remote)) known.base = local;
  return known;
}

function isDone(changes: Partial<Metadata>, remote: Metadata): boolean {
  const keys = Object.keys(changes) as (keyof Metadata)[];
  return keys.every((key) => isSame(changes[key], remote[key]));
}
