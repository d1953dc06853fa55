/** What the local API answers, as far as clients of ours use it; keys that are not named here are left out. */
import { z } from "zod";

const Reason = z.object({ code: z.string(), message: z.string(), hint: z.string() });

export const AgentStatus = z.object({
  sync_agent_service: z.string(),
  sync_api_service: z.string(),
  sync_agent_status: z.string(),
  sync_iteration_count: z.number(),
  last_update: z.string(),
  state: z.enum(["running", "not_logged_in", "no_connection", "error", "stopped"]),
  /** Why it is not running. */
  reason: Reason.nullable(),
  /** In this state since. */
  since: z.string(),
  platform: z.string(),
  /** Platform time minus the PC's time, ms. */
  clock_offset_ms: z.number(),
  version: z.string(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;

export const SourceActivity = z.object({
  id: z.number(),
  name: z.string(),
  status: z.enum(["syncing", "scanning", "error", "stopped"]),
  due: z.number(),
  settling: z.number(),
  items_total: z.number(),
  items_synchronized: z.number(),
  items_failed: z.number(),
  /** Bytes per second. */
  speed: z.number(),
  bytes_uploaded: z.number(),
  reason: Reason.nullable(),
  watching: z.enum(["events", "polling"]).nullable(),
});
export type SourceActivity = z.infer<typeof SourceActivity>;

export const RunningItem = z.object({
  id: z.number(),
  source: z.string(),
  dataIdentifier: z.string(),
  datasetUUID: z.string(),
  started: z.string(),
  /** `reading`, or the logical name of a file. */
  step: z.string(),
  files_done: z.number(),
  bytes_done: z.number(),
  bytes_total: z.number().nullable(),
  speed: z.number(),
  /** Seconds. */
  eta: z.number().nullable(),
});
export type RunningItem = z.infer<typeof RunningItem>;

export const Activity = z.object({
  status: AgentStatus,
  sources: z.array(SourceActivity),
  running: z.array(RunningItem),
  /** How many measurements are followed live. */
  live: z.number().default(0),
  speed: z.number(),
  bytes_uploaded: z.number(),
  files_uploaded: z.number(),
  unread_errors: z.number(),
});
export type Activity = z.infer<typeof Activity>;

export const ErrorRecord = z.object({
  id: z.number(),
  sync_source_id: z.number().optional(),
  sync_iteration: z.number(),
  log_exception: z.string(),
  log_context: z.string().nullable(),
  log_traceback: z.string().nullable(),
  log_timestamp: z.string(),
  viewed: z.boolean(),
  count: z.number(),
});
export type ErrorRecord = z.infer<typeof ErrorRecord>;

export const Item = z.object({
  id: z.number(),
  source: z.string(),
  dataIdentifier: z.string(),
  status: z.enum(["pending", "synchronized", "error", "no_mapping"]),
  reason: Reason.nullable(),
  attempts: z.number(),
  last_update: z.string(),
  next_attempt_at: z.string().nullable(),
});
export type Item = z.infer<typeof Item>;
