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
  /** Changes that were sent and never answered: somewhere on the way, they may still take effect. */
  strays: z.array(z.object({ changes: metadataSchema.partial(), at: z.number() })).optional(),
});
export type Intent = z.infer<typeof intentSchema>;
export type Stray = NonNullable<Intent["strays"]>[number];

/** How long what was never answered may still take effect, ms. */
const STRAY_MS = 600_000;
/** After this time it is looked whether it did, ms. */
const LOOK_AFTER_MS = 60_000;
/** Kept of an item that is changed again and again while the connection is bad. */
const MOST = 8;

type Known = Pick<ItemRow, "base" | "pushed_scope" | "intent">;

/** Durable when this returns, also through a power cut. */
export function keepIntent(catalog: Catalog, item: number, intent: Intent, now: number): void {
  catalog.transaction(() => catalog.items.update(item, { intent: JSON.stringify(intent) }, now));
}

/** What remains of an intent when all is done: what was never answered, or nothing. */
export function intentAfter(dataset: string, strays: Stray[]): string | null {
  return strays.length === 0 ? null : JSON.stringify({ dataset, strays } satisfies Intent);
}

/** What was sent in earlier runs, was never answered, and has had no effect by now. */
export function unanswered({ intent }: Known, remote: Dataset, now: number): Stray[] {
  const kept = intentOf(intent);
  if (kept?.dataset !== remote.uuid) return [];
  const { changes, strays = [] } = kept;
  const all = changes ? [...strays, { changes, at: now }] : strays;
  return all.filter((s) => Math.abs(now - s.at) < STRAY_MS && !isDone(s.changes, remote)).slice(-MOST);
}

/** When it has to be looked whether something that was never answered took effect after all, ms; null = never. */
export function lookAgainAt({ intent }: Pick<ItemRow, "intent">, now: number): number | null {
  const at = Math.max(...(intentOf(intent)?.strays ?? []).map((s) => Math.min(s.at, now))) + LOOK_AFTER_MS;
  return at > now ? at : null;
}

/** What the platform was told last, also by a run that could not write it down any more. */
export function lastTold(
  item: Known,
  remote: Dataset | null,
): { base: Metadata | null; pushed_scope: string | null } {
  const base = item.base === null ? null : metadataSchema.parse(JSON.parse(item.base));
  const known = { base, pushed_scope: item.pushed_scope };
  const intent = intentOf(item.intent);
  if (!intent || intent.dataset !== remote?.uuid) return known;
  const { scope, changes, local, strays = [] } = intent;
  if (scope === remote.scope.uid) known.pushed_scope = scope;
  if (changes && local && isDone(changes, remote)) known.base = local;
  // Words of the agent's own that came late are no edit of the user.
  for (const stray of strays) {
    if (known.base && isDone(stray.changes, remote)) known.base = { ...known.base, ...stray.changes };
  }
  return known;
}

function intentOf(text: string | null): Intent | undefined {
  return text === null ? undefined : intentSchema.parse(JSON.parse(text));
}

function isDone(changes: Partial<Metadata>, remote: Metadata): boolean {
  const keys = Object.keys(changes) as (keyof Metadata)[];
  return keys.every((key) => isSame(changes[key], remote[key]));
}
