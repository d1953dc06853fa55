/** What a serving agent does right now, for the terminal and the API. */
import type { SourceRow } from "../catalog/sources.ts";
import type { RunningActivity, Speed } from "./activity.ts";
import type { Services } from "./services.ts";
import type { ActivityView, AgentStatusView, SourceActivity } from "./views.ts";

export interface ActivityFacts {
  status: AgentStatusView;
  running: readonly RunningActivity[];
  speed: Speed;
  sourceSpeed(id: number): Speed | undefined;
  watching(id: number): SourceActivity["watching"];
  files_uploaded: number;
  live: number;
}

export function activityView({ catalog, env }: Services, facts: ActivityFacts): ActivityView {
  const now = env.now();
  const source = (row: SourceRow): SourceActivity => {
    const { total, synchronized, failed } = catalog.sources.counters(row.id);
    const { due, settling } = catalog.queue.pending(row.id, now);
    const speed = facts.sourceSpeed(row.id);
    return {
      id: row.id,
      name: row.name,
      status: row.state,
      due,
      settling,
      items_total: total,
      items_synchronized: synchronized,
      items_failed: failed,
      speed: speed?.perSecond ?? 0,
      bytes_uploaded: speed?.total ?? 0,
      reason: row.reason,
      watching: facts.watching(row.id),
    };
  };
  return {
    status: facts.status,
    sources: catalog.sources.list().map(source),
    running: facts.running.map((r) => r.view()),
    live: facts.live,
    speed: facts.speed.perSecond,
    bytes_uploaded: facts.speed.total,
    files_uploaded: facts.files_uploaded,
    unread_errors: catalog.errors.list(undefined, { viewed: false, limit: 1000 }).length,
  };
}
