/** Failures as clients of the local API get them: `{error, detail}`, with the status that belongs to the code. */
import { SyncError } from "../kit/errors.ts";
import { redact } from "../kit/redact.ts";

/** A request that is refused before or beside the agent's work. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** Statuses that are part of the published interface; clients tell errors apart by the code alone. */
const STATUS: Readonly<Record<string, number>> = {
  no_user_logged_in: 401,
  sync_status_error_not_found: 404,
  sync_source_not_found: 404,
  sync_source_scope_not_found: 404,
  sync_source_backend_not_found: 404,
  sync_source_connector_not_found: 404,
  sync_source_error_not_found: 404,
  scope_mapping_not_found: 404,
  scope_mapping_invalid_scope: 404,
  sync_item_not_found: 404,
  sync_item_scope_mapping_not_found: 404,
  live_session_not_found: 404,
  live_session_over: 410,
  live_readers_too_many: 503,
  sync_agent_already_running: 409,
  sync_agent_already_stopped: 409,
  sync_source_name_already_taken: 409,
  sync_source_already_running: 409,
  sync_source_already_stopped: 409,
  scope_mapping_already_exists: 409,
  sync_source_config_error: 422,
  sync_source_backend_has_no_owner: 422,
};

export interface ErrorReply {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: { error: string; detail: string; hint?: string };
}

/** What a client is told about anything thrown. */
export function errorReply(thrown: unknown): ErrorReply {
  if (thrown instanceof ApiError) {
    return {
      status: thrown.status,
      headers: thrown.headers,
      body: { error: thrown.code, detail: thrown.message },
    };
  }
  const error = SyncError.from(thrown);
  const [status, code] = statusAndCode(error);
  return {
    status,
    headers: {},
    body: { error: code, detail: redact(error.message), ...(error.hint ? { hint: redact(error.hint) } : {}) },
  };
}

function statusAndCode(error: SyncError): [status: number, code: string] {
  const status = STATUS[error.code];
  if (status !== undefined) return [status, error.code];
  switch (error.class) {
    case "usage":
      return [422, error.code];
    case "auth":
      return [401, "no_user_logged_in"];
    case "network":
      return [502, "server_unreachable"];
    default:
      return [500, "server_error"];
  }
}
