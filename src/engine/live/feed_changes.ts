/** Hands what a live host tells to the stream of events. */
import type { LiveFeed } from "../../live/live_feed.ts";
import type { WireChange } from "../../readers/live/protocol.ts";

/** @throws SyncError `live_change_invalid` when a change does not fit what was told before */
export function feedChanges(feed: LiveFeed, changes: readonly WireChange[]): void {
  let cells: Exclude<WireChange, { type: "open" }>[] = [];
  const flush = () => {
    if (cells.length > 0) feed.apply(cells);
    cells = [];
  };
  for (const change of changes) {
    if (change.type !== "open") cells.push(change);
    else {
      flush();
      feed.open(change);
    }
  }
  flush();
}
