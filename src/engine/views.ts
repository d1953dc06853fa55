/** What users see of sources, items and runs: the shapes behind the CLI's `--json` and the local API. */
import type { ItemState } from "../catalog/item_rows.ts";
import type { Reason } from "../catalog/reason.ts";
import type { SourceState } from "../catalog/sources.ts";

export type { ItemState, Reason, SourceState };
export type ItemStatus = "pending" | "synchronized" | "error" | "no_mapping";

export interface ScopeMappingView {
  id: number;
  sync_source_id: number;
  scope_identifier: string;
  scope_uuid: string;
}

/** The source object of the local API, with additional fields of ours. */
export interface SourceView {
  id: number;
  name: string;
  owner: string | null;
  status: SourceState;
  /** Long identifier of the backend. */
  backend: string;
  connector: string;
  /** Without its secrets. */
  config_data: Record<string, unknown>;
  /** Names of the secret settings that have a value. */
  secrets: string[];
  items_total: number;
  items_synchronized: number;
  items_failed: number;
  items_unmapped_scope_count: number;
  last_update: string;
  scope_requirement: "REQUIRED" | "DISABLED" | null;
  scope_policy: "REQUIRED" | "OPTIONAL" | "DISABLED" | null;
  supports_scope_mapping: boolean | null;
  autoassign_scope_mapping: boolean;
  default_scope: string | null;
  scope_mappings: ScopeMappingView[];
  /** Why the source is in state `error`. */
  reason: Reason | null;
  unmatched: { count: number; paths: { path: string; reason: string }[] };
}

export interface ItemView {
  id: number;
  source: string;
  dataIdentifier: string;
  datasetUUID: string;
  status: ItemStatus;
  state: ItemState;
  attempts: number;
  reason: Reason | null;
  /** ISO UTC, or null when nothing is planned. */
  next_attempt_at: string | null;
  hasPriority: boolean;
  syncPriority: number;
  owner: string | null;
  scope_identifier: string | null;
  last_update: string;
}

export interface ItemDetail extends ItemView {
  sync_record: unknown;
  fingerprint: string | null;
}

export interface ErrorView {
  id: number;
  sync_source_id?: number;
  sync_iteration: number;
  log_exception: string;
  log_context: string | null;
  log_traceback: string | null;
  log_timestamp: string;
  viewed: boolean;
  /** How often it happened in a row. */
  count: number;
}

export type OnceResult = "synchronized" | "failed" | "skipped" | "unmapped" | "live";

/** What a dry run would do with one file. */
export interface PlannedFile {
  name: string;
  action: string;
  version_id: number | null;
  reason: string;
}

export interface OnceItem {
  source: string;
  dataIdentifier: string;
  datasetUUID: string;
  result: OnceResult;
  /** Code and sentence, null when synchronized. */
  reason: string | null;
  /** Dry run only. */
  plan?: {
    dataset: "create" | "update" | "unchanged" | "none";
    changes: string[];
    files: PlannedFile[];
    skips: { path: string; reason: string }[];
  };
}

export interface OnceReport {
  sources: {
    name: string;
    backend: string;
    status: SourceState;
    reason: string | null;
    items_total: number;
    items_synchronized: number;
    items_failed: number;
    items_unmapped: number;
  }[];
  items: OnceItem[];
  files_uploaded: number;
  bytes_uploaded: number;
  /** Uploaded files that a backend or converter made (HDF5/netCDF, archives, thumbnails). */
  files_converted: number;
  files_unchanged: number;
  duration_ms: number;
  dry_run: boolean;
  /** Set when the run ended early: timeout or interrupted. */
  ended?: string;
}

/** Progress of a run, at most four times a second. */
export interface OnceProgress {
  phase: "discovery" | "syncing" | "waiting";
  items_done: number;
  items_due: number;
  bytes_uploaded: number;
  current: string;
}

/** States of the agent as a whole (behaviour 2.7). */
export type AgentState = "running" | "not_logged_in" | "no_connection" | "error" | "stopped";

export interface AgentStatusView {
  state: AgentState;
  /** Why it is not running. */
  reason: Reason | null;
  /** Rounds of the scheduler since the catalog was made. */
  iterations: number;
  /** ISO UTC. */
  last_update: string;
  /** In this state since, ISO UTC. */
  since: string;
  platform: string;
  /** Platform time minus the PC's time, ms. */
  clock_offset_ms: number;
  version: string;
}

/** An item that is being synchronized, with its progress. */
export interface RunningItem {
  id: number;
  source: string;
  dataIdentifier: string;
  datasetUUID: string;
  /** ISO UTC. */
  started: string;
  /** What happens to it now: `reading`, or the logical name of a file. */
  step: string;
  files_done: number;
  /** Of the file that is being sent. */
  bytes_done: number;
  bytes_total: number | null;
  /** Bytes per second over the last seconds. */
  speed: number;
  /** Seconds to the end of the file, when it can be told. */
  eta: number | null;
}

export interface SourceActivity {
  id: number;
  name: string;
  status: SourceState;
  /** Items that may start now, and those that wait for their input to be quiet. */
  due: number;
  settling: number;
  items_total: number;
  items_synchronized: number;
  items_failed: number;
  /** Bytes per second over the last seconds. */
  speed: number;
  bytes_uploaded: number;
  reason: Reason | null;
  /** How changes are noticed: `events`, `polling`, or null when nothing watches. */
  watching: "events" | "polling" | null;
}

/** What a running agent does right now. */
export interface ActivityView {
  status: AgentStatusView;
  sources: SourceActivity[];
  running: RunningItem[];
  /** How many measurements are followed live. */
  live: number;
  /** Bytes per second over all items. */
  speed: number;
  bytes_uploaded: number;
  files_uploaded: number;
  unread_errors: number;
}
