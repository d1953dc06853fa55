/** Which scope an item goes to, and how users name scopes. */
import type { SourceRow } from "../../catalog/sources.ts";
import { SyncError } from "../../kit/errors.ts";
import type { PlatformClient } from "../../platform/client.ts";
import type { Services } from "../services.ts";

/** C1: mapped identifier → its scope; else the default scope; else none. */
export function scopeOf(
  s: Pick<Services, "catalog">,
  source: SourceRow,
  identifier: string | null,
): string | undefined {
  if (identifier !== null && identifier !== "") {
    const mapped = s.catalog.mappings.scopeOf(source.id, identifier);
    if (mapped) return mapped;
  }
  return source.default_scope ?? undefined;
}

/**
 * The uuid of a scope given by name (case-insensitive) or uuid.
 * @throws SyncError `sync_source_scope_not_found`
 */
export async function findScope(client: PlatformClient, wanted: string): Promise<string> {
  const scopes = await client.scopes();
  const lower = wanted.toLowerCase();
  const hits = scopes.filter((x) => x.uid === lower || x.name.toLowerCase() === lower);
  const exact = hits.find((x) => x.name === wanted) ?? (hits.length === 1 ? hits[0] : undefined);
  if (exact) return exact.uid;
  throw new SyncError("usage", "sync_source_scope_not_found", `there is no scope "${wanted}"`, {
    hint: scopes.length > 0
      ? `You can use: ${
        scopes.slice(0, 10).map((x) => x.name).join(", ")
      }; or make one: etiket-sync scope create NAME`
      : "Make one: etiket-sync scope create NAME",
  });
}

/**
 * C5: maps each unmapped identifier that equals exactly one visible scope name, and makes its items due.
 * @returns how many mappings were made
 */
export async function autoassign(s: Services, source: SourceRow): Promise<number> {
  const identifiers = s.catalog.queue.unmappedIdentifiers(source.id);
  if (identifiers.length === 0) return 0;
  const scopes = (await s.client.scopes()).filter((x) => !x.is_archived);
  let made = 0;
  for (const identifier of identifiers) {
    const hits = scopes.filter((x) => x.name.toLowerCase() === identifier.toLowerCase());
    if (hits.length !== 1 || !hits[0]) continue;
    const scope = hits[0].uid;
    s.catalog.transaction(() => {
      s.catalog.mappings.set(source.id, identifier, scope);
      s.catalog.queue.requeueForScope(source.id, identifier, false, s.env.now());
    });
    made++;
  }
  return made;
}
