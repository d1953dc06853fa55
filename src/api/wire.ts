/** What users see, in the words of the published interface; keys beyond it are additions of ours. */
import type {
  ActivityView,
  AgentStatusView,
  ErrorView,
  ItemDetail,
  ItemView,
  SourceView,
} from "../engine/views.ts";
import type { LocalAgent } from "./local_agent.ts";

type Backend = Awaited<ReturnType<LocalAgent["describe"]>>["backends"][number];

/** Agent and API are one process: it answers, so it runs. Clients know no state `stopped` (L19). */
export function agentStatus(s: AgentStatusView) {
  const stopped = s.state === "stopped";
  return {
    ...s,
    sync_agent_service: stopped ? "not_running" : "running",
    sync_api_service: "running",
    sync_agent_status: stopped ? "unavailable" : s.state,
    sync_iteration_count: s.iterations,
    last_update: utc(s.last_update),
    since: utc(s.since),
  };
}

export function source(s: SourceView) {
  return { ...s, last_update: utc(s.last_update) };
}

/** Without the paths that belong to no item: there may be a thousand of each. */
export function listedSource(s: SourceView) {
  return { ...source(s), unmatched: { count: s.unmatched.count } };
}

export function item<T extends ItemView | ItemDetail>(i: T): T {
  return {
    ...i,
    last_update: utc(i.last_update),
    next_attempt_at: i.next_attempt_at && utc(i.next_attempt_at),
  };
}

export function errorRecord(e: ErrorView): ErrorView {
  return { ...e, log_timestamp: utc(e.log_timestamp) };
}

export function activity(a: ActivityView) {
  return {
    ...a,
    status: agentStatus(a.status),
    running: a.running.map((r) => ({ ...r, started: utc(r.started) })),
  };
}

/** A backend as a form to fill in. */
export function definition(b: Backend) {
  return {
    name: b.display_name,
    identifier: b.identifier,
    scope_requirement: b.scope_policy === "REQUIRED" ? "REQUIRED" : "DISABLED",
    scope_policy: b.scope_policy,
    supports_scope_mapping: b.supports_scope_mapping,
    has_owner: b.has_owner,
    config_data: b.fields.map((f) => ({
      name: f.name,
      description: f.description,
      type: f.type,
      is_required: f.required,
      // Clients know no maps as defaults.
      default: f.secret || f.default === undefined || isMap(f.default) ? null : f.default,
      secret: f.secret ?? false,
    })),
  };
}

function isMap(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Times leave in UTC with `Z`. */
function utc(iso: string): string {
  return new Date(iso).toISOString();
}
