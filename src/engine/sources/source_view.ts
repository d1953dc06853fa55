/** Rows of the catalog as users see them. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { ErrorRow } from "../../catalog/errors.ts";
import type { ItemRow, ItemState } from "../../catalog/item_rows.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import type { BackendInfo } from "../../readers/tasks.ts";
import type { ErrorView, ItemStatus, ItemView, SourceView } from "../views.ts";
import { isoFromMs } from "../../kit/time.ts";
import { isReference, withoutSecrets } from "./source_secrets.ts";

/** The four statuses of the API and the states they cover (behaviour 2.1). */
export const STATES_OF: Record<ItemStatus, readonly ItemState[]> = {
  pending: ["waiting", "settling", "running", "live", "deferred", "not_started", "no_credentials"],
  no_mapping: ["unmapped"],
  error: ["retry_wait", "quarantined", "vanished"],
  synchronized: ["done", "deleted_locally"],
};

export function statusOf(state: ItemState): ItemStatus {
  if (STATES_OF.error.includes(state)) return "error";
  if (STATES_OF.synchronized.includes(state)) return "synchronized";
  return state === "unmapped" ? "no_mapping" : "pending";
}

/** `info` is absent when the backend is not installed. */
export function sourceView(catalog: Catalog, row: SourceRow, info: BackendInfo | undefined): SourceView {
  const counters = catalog.sources.counters(row.id);
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    status: row.state,
    backend: row.backend,
    connector: row.backend,
    config_data: withoutSecrets(info?.fields ?? [], row.config),
    secrets: Object.keys(row.config).filter((key) => isReference(row.config[key])),
    items_total: counters.total,
    items_synchronized: counters.synchronized,
    items_failed: counters.failed,
    items_unmapped_scope_count: counters.unmapped,
    last_update: isoFromMs(row.updated),
    // Older clients know two policies: OPTIONAL goes out as DISABLED with scope mapping (behaviour 8).
    scope_requirement: info ? (info.scope_policy === "REQUIRED" ? "REQUIRED" : "DISABLED") : null,
    scope_policy: info?.scope_policy ?? null,
    supports_scope_mapping: info?.supports_scope_mapping ?? null,
    autoassign_scope_mapping: row.autoassign,
    default_scope: row.default_scope,
    scope_mappings: catalog.mappings.ofSource(row.id).map((m) => ({ ...m, sync_source_id: row.id })),
    reason: row.reason,
    unmatched: { count: row.unmatched_count, paths: catalog.sources.unmatched(row.id) },
  };
}

export function itemView(item: ItemRow, source: SourceRow | undefined): ItemView {
  return {
    id: item.id,
    source: source?.name ?? "",
    dataIdentifier: item.identifier,
    datasetUUID: item.dataset_uuid,
    status: statusOf(item.state),
    state: item.state,
    attempts: item.attempts,
    reason: item.reason,
    next_attempt_at: item.next_attempt_at === null ? null : isoFromMs(item.next_attempt_at),
    hasPriority: item.has_priority,
    syncPriority: item.priority,
    owner: source?.owner ?? null,
    scope_identifier: item.scope_identifier,
    last_update: isoFromMs(item.updated),
  };
}

export function errorView(row: ErrorRow): ErrorView {
  return {
    id: row.id,
    ...(row.source_id === null ? {} : { sync_source_id: row.source_id }),
    sync_iteration: row.iteration,
    log_exception: row.exception,
    log_context: row.context,
    log_traceback: row.traceback,
    log_timestamp: isoFromMs(row.timestamp),
    viewed: row.viewed,
    count: row.count,
  };
}
