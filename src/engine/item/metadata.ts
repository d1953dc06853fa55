/** The metadata of a dataset in the form it is pushed in, made from a draft (behaviour 4.2, S2, S3). */
import { z } from "zod";
import type { DatasetDraft } from "../../kit/drafts.ts";
import { attributesAsText } from "./attributes_text.ts";

/** What is merged and pushed; also the base of the three-way merge, kept in the catalog and the local manifest. */
export const metadataSchema = z.object({
  name: z.string(),
  description: z.string().nullable(),
  ranking: z.number(),
  keywords: z.array(z.string()),
  attributes: z.record(z.string(), z.string()),
  /** Only of replicas: other sources have none, and never speak for them. */
  notes: z.string().nullable().optional(),
});
export type Metadata = z.infer<typeof metadataSchema>;

/** Equal as far as the platform can tell: lists are sets, and empty is null. */
export function isSame(a: Metadata[keyof Metadata], b: Metadata[keyof Metadata]): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify([...new Set(value)].sort());
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? "");
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}

const NAME_LIMIT = 255;

/** Draft → metadata; an empty name becomes the last part of the identifier, a long one moves to the description. */
export function metadataOf(draft: DatasetDraft, identifier: string): Metadata {
  const clean = draft.name.replace(/\p{Cc}+/gu, " ").trim();
  const full = clean || identifier.split(/[/#]/).at(-1) || identifier;
  const tooLong = [...full].length > NAME_LIMIT;
  const name = tooLong ? [...full].slice(0, NAME_LIMIT - 1).join("") + "…" : full;
  const description = tooLong
    ? [full, draft.description].filter(Boolean).join("\n")
    : draft.description ?? null;
  return {
    name,
    description: description === "" ? null : description,
    ranking: draft.ranking,
    keywords: [...new Set(draft.keywords.map((k) => k.trim()).filter((k) => k !== ""))],
    attributes: attributesAsText(draft.attributes),
    ...(draft.replica ? { notes: draft.replica.notes || null } : {}),
  };
}
