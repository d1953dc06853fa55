/** Activities for tests of what is shown of them. */
import type { Activity, RunningItem, SourceActivity } from "../../sdk/schemas.ts";

export function sourceActivity(more: Partial<SourceActivity> = {}): SourceActivity {
  return {
    id: 1,
    name: "fridge",
    status: "scanning",
    due: 0,
    settling: 0,
    items_total: 5,
    items_synchronized: 5,
    items_failed: 0,
    speed: 0,
    bytes_uploaded: 0,
    reason: null,
    watching: "events",
    ...more,
  };
}

export function runningItem(more: Partial<RunningItem> = {}): RunningItem {
  return {
    id: 7,
    source: "fridge",
    dataIdentifier: "run 7",
    datasetUUID: "u",
    started: "2024-11-06T13:21:30.000Z",
    step: "reading",
    files_done: 0,
    bytes_done: 0,
    bytes_total: null,
    speed: 0,
    eta: null,
    ...more,
  };
}

export function activity(
  more: Partial<Omit<Activity, "status">> & { status?: Partial<Activity["status"]> } = {},
): Activity {
  return {
    sources: [sourceActivity()],
    live: 0,
    running: [],
    speed: 0,
    bytes_uploaded: 0,
    files_uploaded: 0,
    unread_errors: 0,
    ...more,
    status: {
      sync_agent_service: "running",
      sync_api_service: "running",
      sync_agent_status: "running",
      sync_iteration_count: 1,
      last_update: "2024-11-06T13:21:30.000Z",
      state: "running",
      reason: null,
      since: "2024-11-06T13:00:00.000Z",
      platform: "http://hub.internal",
      clock_offset_ms: 0,
      version: "1.2.3",
      ...more.status,
    },
  };
}
