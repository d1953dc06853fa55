/** One look at a source: what is new or changed becomes pending in the catalog before anything else happens. */
import type { Lane } from "../catalog/item_rows.ts";
import type { FoundItem } from "../catalog/item_intake.ts";
import { scanFolder } from "../discovery/folder_scan.ts";
import { autoassign } from "./scopes.ts";
import type { ReadySource, Services } from "./services.ts";

/** Items per catalog transaction. */
const BATCH = 500;
/** The event loop gets its turn after this long, ms. */
const SLICE = 20;
/** An input must be absent in two looks this far apart to count as gone, ms (D13). */
const ABSENCE_GRACE = 60_000;
/** Paths of unmatched files and folders that are kept (D15). */
const UNMATCHED_KEPT = 1000;

/**
 * Discovers into the catalog.
 * @throws SyncError of class source when the source cannot be looked at; its items then stay as they are
 */
export async function discover(s: Services, source: ReadySource, signal?: AbortSignal): Promise<void> {
  // What the first scan of a source finds is back-fill; later finds are news.
  const lane: Lane = source.row.scanned ? "new" : "backfill";
  if (source.plan.kind === "folder") await discoverFolder(s, source, lane, signal);
  else await discoverDatabase(s, source, lane, signal);
  if (!source.row.scanned) {
    s.catalog.sources.setScanned(source.row.id);
    source.row.scanned = true;
  }
  if (source.row.autoassign) await autoassign(s, source.row);
}

async function discoverFolder(
  s: Services,
  source: ReadySource,
  lane: Lane,
  signal?: AbortSignal,
): Promise<void> {
  const { plan, row } = source;
  if (plan.kind !== "folder") return;
  const scopeFromPath = plan.scope_from_path && row.autoassign && row.default_scope === null;
  const intake = s.catalog.intake;
  const unmatched: { path: string; reason: string }[] = [];
  let unmatchedCount = 0;
  let complete = true;
  let batch: FoundItem[] = [];
  const flush = () => {
    s.catalog.transaction(() => {
      intake.upsert(row.id, batch, lane, s.env.uuid, s.env.now());
      intake.markSeen(row.id, batch.map((b) => b.identifier));
    });
    batch = [];
  };

  intake.beginScan(row.id);
  let sliceEnd = s.env.monotonic() + SLICE;
  for (const event of scanFolder(plan)) {
    signal?.throwIfAborted();
    if (event.kind === "unreadable") complete = false;
    else if (event.kind === "unmatched") {
      unmatchedCount++;
      if (unmatched.length < UNMATCHED_KEPT) unmatched.push(event);
    } else {
      batch.push({
        identifier: event.identifier,
        ...(event.path === undefined ? {} : { path: event.path }),
        priority: event.changed_ms,
        fingerprint: event.fingerprint,
        changed_at: Math.min(event.changed_ms, s.env.now()),
        scope_identifier: scopeFromPath ? event.identifier.split("/")[0] : undefined,
      });
      if (batch.length >= BATCH) flush();
    }
    if (s.env.monotonic() >= sliceEnd) {
      await s.env.sleep(0);
      sliceEnd = s.env.monotonic() + SLICE;
    }
  }
  flush();
  // What lies below an unreadable folder is not gone, only not seen.
  if (complete) intake.endScan(row.id, ABSENCE_GRACE, s.env.now());
  s.catalog.sources.setUnmatched(row.id, unmatchedCount, unmatched);
}

async function discoverDatabase(
  s: Services,
  source: ReadySource,
  lane: Lane,
  signal?: AbortSignal,
): Promise<void> {
  const { row, info, config } = source;
  for (let more = true; more;) {
    const page = await s.readers.run(
      "discover",
      { backend: info.identifier, config, since: row.cursor },
      signal ? { signal } : {},
    );
    s.catalog.transaction(() => {
      s.catalog.intake.upsert(
        row.id,
        page.items.map((i) => ({ ...i, changed_at: 0 })),
        lane,
        s.env.uuid,
        s.env.now(),
      );
      s.catalog.sources.setCursor(row.id, page.cursor);
    });
    row.cursor = page.cursor;
    more = page.more;
  }
}
