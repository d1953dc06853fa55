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

/** The file of a measurement that can itself be read while it grows: a structure without variables names it. */
export function ownFile(changes: readonly WireChange[]): string | undefined {
  const open = changes.find((change) => change.type === "open");
  const file = open?.variables.length === 0 ? open.attrs.live_file : undefined;
  return typeof file === "string" ? file : undefined;
}
