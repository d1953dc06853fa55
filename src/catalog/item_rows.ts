/** The row of an item as code sees it: checked, with its columns typed. */
import { z } from "zod";
import type { Row } from "./database.ts";
import { reasonJson } from "./reason.ts";

export const ITEM_STATES = [
  "waiting",
  "settling",
  "running",
  "live",
  "deferred",
  "not_started",
  "no_credentials",
  "unmapped",
  "retry_wait",
  "quarantined",
  "vanished",
  "done",
  "deleted_locally",
] as const;
export type ItemState = typeof ITEM_STATES[number];
export type Lane = "new" | "backfill" | "retry";

const schema = z.object({
  id: z.number(),
  source_id: z.number(),
  identifier: z.string(),
  path: z.string().nullable(),
  dataset_uuid: z.string(),
  scope_identifier: z.string().nullable(),
  fingerprint: z.string(),
  changed_at: z.number(),
  due_at: z.number(),
  changed_since: z.number().nullable(),
  state: z.enum(ITEM_STATES),
  reason: reasonJson,
  lane: z.enum(["new", "backfill", "retry"]),
  priority: z.number(),
  has_priority: z.number().transform(Boolean),
  attempts: z.number(),
  streak: z.number(),
  streak_code: z.string().nullable(),
  streak_since: z.number().nullable(),
  next_attempt_at: z.number().nullable(),
  absent_since: z.number().nullable(),
  verdict_key: z.string().nullable(),
  pushed_scope: z.string().nullable(),
  alt_uid: z.string().nullable(),
  base: z.string().nullable(),
  intent: z.string().nullable(),
  moved_from: z.string().nullable(),
  is_secondary: z.number().transform(Boolean),
  updated: z.number(),
});
export type ItemRow = z.infer<typeof schema>;

/** Columns without the record, which can be large. */
export const COLUMNS = Object.keys(schema.shape).join(", ");

export function parseItem(row: Row): ItemRow {
  return schema.parse({ ...row });
}
