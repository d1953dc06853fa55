/** The latest failures of all three levels (agent, source, item), looked for only when their numbers change. */
import type { SyncClient } from "../../sdk/client.ts";
import type { Activity } from "../../sdk/schemas.ts";

export interface RecentError {
  /** ISO UTC. */
  time: string;
  /** Source and item, or `agent`. */
  where: string;
  text: string;
}

const SHOWN = 8;

export class RecentErrors {
  #key = "";
  #list: RecentError[] = [];

  constructor(private readonly client: Pick<SyncClient, "errors" | "failedItems">) {}

  /** Newest first. */
  async at(activity: Activity): Promise<readonly RecentError[]> {
    const key = JSON.stringify([activity.unread_errors, activity.sources.map((s) => [s.id, s.items_failed])]);
    if (key === this.#key) return this.#list;
    const names = new Map(activity.sources.map((s) => [s.id, s.name]));
    const [errors, items] = await Promise.all([
      this.client.errors({ viewed: false, limit: SHOWN }),
      this.client.failedItems(SHOWN),
    ]);
    this.#list = [
      ...errors.map((e) => ({
        time: e.log_timestamp,
        where: (e.sync_source_id === undefined ? undefined : names.get(e.sync_source_id)) ?? "agent",
        text: e.log_exception,
      })),
      ...items.map((i) => ({
        time: i.last_update,
        where: `${i.source}: ${i.dataIdentifier}`,
        text: i.reason?.message ?? "failed",
      })),
    ].sort((a, b) => a.time < b.time ? 1 : -1).slice(0, SHOWN);
    this.#key = key;
    return this.#list;
  }
}
