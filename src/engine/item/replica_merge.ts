/** The metadata of a replica of the platform: what changed on either side goes to the other (9.1). */
import type { TakenOver } from "../../kit/define_backend.ts";
import type { Dataset } from "../../platform/client.ts";
import { instantOf } from "../../platform/schemas.ts";
import { changesTo, type Merge, mergedMetadata } from "./merge.ts";
import { isSame, type Metadata, metadataSchema } from "./metadata.ts";

/** What both sides are to have; see {@link Merge} for what the platform is sent. */
export interface ReplicaMerge extends Merge {
  /** What the source is to take over. */
  takenOver: TakenOver;
  /** The base once both sides have it. */
  base: Metadata;
}

/**
 * Merges in both directions. Without a base the side that was changed later wins as a whole.
 * @param modified when the source changed, by the platform's clock, ms
 */
export function mergeReplica(
  base: Metadata | null,
  local: Metadata,
  remote: Dataset,
  modified: number,
): ReplicaMerge {
  const logs: Merge["logs"] = [];
  const theirs = metadataSchema.parse(remote);
  const isSourceLater = modified > (instantOf(remote.modified) ?? -Infinity);
  const merged = base !== null ? mergedMetadata(base, local, theirs, logs) : isSourceLater ? local : theirs;
  const changes = changesTo(merged, theirs, logs);
  const kept = { ...merged };
  // What the platform can't clear stays different, and known as a change of the source.
  for (const key of ["description", "notes", "attributes"] as const) {
    if (!(key in changes) && !isSame(merged[key], theirs[key])) {
      Object.assign(kept, { [key]: base?.[key] ?? theirs[key] });
    }
  }
  return { changes, logs, takenOver: takenOverBy(local, merged), base: kept };
}

function takenOverBy(local: Metadata, merged: Metadata): TakenOver {
  const { attributes, ...cells } = merged;
  const changed = Object.entries(cells).filter(([key, v]) => !isSame(v, local[key as keyof typeof cells]));
  const set = Object.entries(attributes).filter(([key, v]) => local.attributes[key] !== v);
  const gone = Object.keys(local.attributes).filter((key) => !(key in attributes)).map((key) => [key, null]);
  return {
    ...Object.fromEntries(changed),
    ...(set.length + gone.length > 0 ? { attributes: Object.fromEntries([...set, ...gone]) } : {}),
  };
}
