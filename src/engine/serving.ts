/** A serving agent as the local API and the command line see it. */
import type { LiveSessions } from "../live/live_sessions.ts";
import type { ActivityView, AgentStatusView } from "./views.ts";

export interface Serving {
  /** Running measurements that are followed. */
  readonly live: LiveSessions;
  status(): AgentStatusView;
  activity(): ActivityView;
  /** @throws SyncError `sync_agent_already_running` */
  start(): AgentStatusView;
  /** No discovery, no sync until started again, also after a restart. @throws SyncError `sync_agent_already_stopped` */
  stop(): AgentStatusView;
  /** Tells the engine that the user changed something in the catalog, so that it looks at once. */
  notice(): void;
  /** Ends the work: what runs is finished or parked, within 10 s. */
  close(): Promise<void>;
}
