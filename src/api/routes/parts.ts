/** What the routes work with. */
import type { Serving } from "../../engine/serving.ts";
import type { ActivityFeed } from "../activity_feed.ts";
import type { LocalAgent } from "../local_agent.ts";

export interface ApiParts {
  agent: LocalAgent;
  serving: Serving;
  feed: ActivityFeed;
  /** Streams end. */
  closing: AbortSignal;
}
