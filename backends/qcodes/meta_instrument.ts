/** What a user's `qh_meta` instrument put into the snapshot of a run: keywords and attributes. */
import { z } from "zod";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";

export interface UserMetadata {
  keywords: string[];
  attributes: Record<string, unknown>;
}

const parameter = z.object({ value: z.unknown() }).optional().catch(undefined);
const snapshotSchema = z.object({
  station: z.object({
    instruments: z.object({
      qh_meta: z.object({
        parameters: z.object({ tags: parameter, labels: parameter, attributes: parameter }),
      }),
    }),
  }),
});

const NONE: UserMetadata = { keywords: [], attributes: {} };

/** Reads the instrument `qh_meta` of a snapshot; a snapshot without it, or that is no JSON, has none. */
export function userMetadata(snapshot: string | null): UserMetadata {
  // Snapshots are often megabytes, and most have no such instrument.
  if (!snapshot?.includes('"qh_meta"')) return NONE;
  let json: unknown;
  try {
    json = parseTolerantJson(snapshot);
  } catch {
    return NONE;
  }
  const parsed = snapshotSchema.safeParse(json);
  if (!parsed.success) return NONE;
  const { tags, labels, attributes } = parsed.data.station.instruments.qh_meta.parameters;
  return {
    keywords: [...keywordsOf(tags?.value), ...keywordsOf(labels?.value)],
    attributes: isMap(attributes?.value) ? flattened(attributes.value) : {},
  };
}

function keywordsOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : typeof value === "string" ? [value] : [];
  return list.filter((v) => typeof v === "string" || typeof v === "number").map(String).filter((v) =>
    v !== ""
  );
}

/** `{"value": x}` becomes x, any other map its JSON text. */
export function flattened(attributes: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (!isMap(value)) return [name, value];
      const keys = Object.keys(value);
      return [name, keys.includes("value") ? value.value : JSON.stringify(value)];
    }),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
