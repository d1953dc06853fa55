/** An item that is asked about or followed, and what whoever follows the items of a source is told and tells. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { Config } from "../../kit/define_backend.ts";
import type { LiveEnd } from "../../kit/live.ts";
import type { SessionFacts } from "../../live/live_event.ts";
import type { LiveFeed } from "../../live/live_feed.ts";
import type { LiveRules } from "../../readers/live/protocol.ts";

export interface LiveSourceHooks {
  begin(facts: SessionFacts): LiveFeed;
  /** The item is followed from now on. */
  opened(item: number): void;
  /** Quiet for so long that what exists is to be synchronized; false: it moves again. */
  parked(item: number, parked: boolean): void;
  /** It is not followed (any more). @param end null when it never was */
  closed(item: ItemRow, end: LiveEnd | null): void;
}

export interface LiveSourceOptions {
  /** Sessions at once. */
  most: number;
  load: readonly string[];
  /** A configuration with its secrets. */
  unsealed(config: Config): Promise<Config>;
  rules?: LiveRules;
  lookMs?: number;
  /** First pause before a host that ended is started again, ms. */
  restartMs?: number;
}

export interface LiveEntry {
  item: ItemRow;
  /** Its number in the host; 0 while it waits to be asked about. */
  session: number;
  /** `parked`: followed, but quiet for so long that the item is not held. */
  phase: "waiting" | "asked" | "live" | "parked";
  feed: LiveFeed | undefined;
  /** Its folder of snapshots, which the host removes unless it is killed. */
  temp: string | undefined;
  /** Hosts that ended while it was asked about or followed, without a change in between. */
  crashes: number;
}
