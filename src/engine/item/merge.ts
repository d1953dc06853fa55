/**
 * The three-way merge of metadata: base (the source's values at the last sync), local (the source now), remote (the
 * platform now). After a successful sync the local values become the base, also where the platform's were kept:
 * otherwise the next sync would take the user's edit for ours and undo it.
 */
import { isSame, type Metadata } from "./metadata.ts";

export interface Merge {
  /** Only the keys that differ from the platform; empty = no request. */
  changes: Partial<Metadata>;
  logs: { code: string; message: string }[];
}

/**
 * Merges by behaviour 4.3: what only the source changed is pushed, what the user changed on the platform stays.
 * Without a base (S5) the platform's filled fields stay, keywords are united, attributes are united with local winning.
 */
export function mergeMetadata(base: Metadata | null, local: Metadata, remote: Metadata): Merge {
  const logs: Merge["logs"] = [];
  return { changes: changesTo(mergedMetadata(base, local, remote, logs), remote, logs), logs };
}

/** What both sides should have. */
export function mergedMetadata(
  base: Metadata | null,
  local: Metadata,
  remote: Metadata,
  logs: Merge["logs"],
): Metadata {
  return {
    name: mergeField("name", base?.name, local.name, remote.name, logs),
    description: mergeField("description", base?.description, local.description, remote.description, logs),
    ranking: mergeField("ranking", base?.ranking, local.ranking, remote.ranking, logs),
    keywords: mergeKeywords(base, local, remote),
    attributes: mergeAttributes(base, local, remote, logs),
    ...(local.notes === undefined
      ? {}
      : { notes: mergeField("notes", base?.notes, local.notes, remote.notes ?? null, logs) }),
  };
}

/** What the platform is to be told so that it has the merged values. */
export function changesTo(merged: Metadata, remote: Metadata, logs: Merge["logs"]): Merge["changes"] {
  const changes: Merge["changes"] = {};
  if (merged.name !== remote.name) changes.name = merged.name;
  if ((merged.description ?? "") !== (remote.description ?? "")) changes.description = merged.description;
  if (merged.notes !== undefined && !isSame(merged.notes, remote.notes)) changes.notes = merged.notes;
  if (merged.ranking !== remote.ranking) changes.ranking = merged.ranking;
  if (!isSame(merged.keywords, remote.keywords)) changes.keywords = merged.keywords;
  if (!isSame(merged.attributes, remote.attributes)) {
    // The API has no way to send an empty attribute set (S7).
    if (Object.keys(merged.attributes).length > 0) changes.attributes = merged.attributes;
    else logs.push({ code: "cannot_clear", message: "the platform cannot clear the last attribute" });
  }
  // Null means "unchanged" on the wire: a text cannot be emptied either.
  for (const key of ["description", "notes"] as const) {
    if (changes[key] !== null) continue;
    delete changes[key];
    logs.push({
      code: "cannot_clear",
      message: `the platform cannot clear ${key === "notes" ? "" : "a "}${key}`,
    });
  }
  return changes;
}

/** One field; `base` undefined = there is none (S5). */
function mergeField<T extends string | number | null>(
  key: string,
  base: T | undefined,
  local: T,
  remote: T,
  logs: Merge["logs"],
): T {
  if (same(local, remote)) return remote;
  if (base === undefined) return remote ? remote : local;
  if (same(local, base)) return remote;
  if (same(remote, base)) return local;
  logs.push({
    code: "kept_platform_edit",
    message: `${key} was changed on the platform and at the source: the platform's stays`,
  });
  return remote;
}

/** R ∪ (L − B) − (B − L); R ∪ L without a base. */
function mergeKeywords(base: Metadata | null, local: Metadata, remote: Metadata): string[] {
  const before = new Set(base?.keywords ?? []);
  const now = new Set(local.keywords);
  const removed = new Set([...before].filter((k) => !now.has(k)));
  const added = local.keywords.filter((k) => !before.has(k));
  return [...new Set([...remote.keywords.filter((k) => !removed.has(k)), ...added])];
}

function mergeAttributes(
  base: Metadata | null,
  local: Metadata,
  remote: Metadata,
  logs: Merge["logs"],
): Record<string, string> {
  const out = { ...remote.attributes };
  if (base === null) return { ...out, ...local.attributes };
  for (const [key, l] of Object.entries(local.attributes)) {
    const [b, r] = [base.attributes[key], remote.attributes[key]];
    if (l === b || l === r) continue;
    if (r === undefined || r === b) out[key] = l;
    else {logs.push({
        code: "kept_platform_edit",
        message: `attribute "${key}" was changed on the platform: it stays`,
      });}
  }
  for (const [key, b] of Object.entries(base.attributes)) {
    if (!(key in local.attributes) && remote.attributes[key] === b) delete out[key];
  }
  return out;
}

function same(a: string | number | null, b: string | number | null): boolean {
  return (a ?? "") === (b ?? "");
}
