/** Has a backend read one item, and keeps what it says besides files. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { DatasetDraft, ReadResult } from "../../kit/drafts.ts";
import type { ReadySource, Services } from "../services.ts";
import type { Recorder } from "./sync_record.ts";

/**
 * What lies on a server takes as long as the line to it is slow, so that a long time says nothing about the item; its
 * backend itself gives up a server that is silent.
 */
const SERVER_DEADLINE_MS = 60 * 60 * 1000;

function isOnServer({ plan }: ReadySource): boolean {
  return plan.kind === "database" && plan.address !== undefined;
}

export interface ReadOptions {
  /** See ReadContext. */
  metadataOnly?: boolean;
  signal?: AbortSignal;
}

/**
 * @param path absolute, "" for databases
 * @param staging existing, private folder for files that the backend makes
 * @throws SyncError as the backend throws it, and what the reader pool throws
 */
export async function readItem(
  s: Services,
  source: ReadySource,
  item: ItemRow,
  path: string,
  staging: string,
  { metadataOnly, signal }: ReadOptions = {},
): Promise<ReadResult> {
  const { time_zone } = source.config;
  const { converters } = await s.registry();
  return await s.readers.run("read", {
    backend: source.info.identifier,
    config: source.config,
    item: { identifier: item.identifier, path },
    context: {
      staging,
      version: s.version,
      converters: converters.map(({ origin: _origin, ...info }) => info),
      timeZone: typeof time_zone === "string" ? time_zone : Intl.DateTimeFormat().resolvedOptions().timeZone,
      newest: item.priority >= s.catalog.queue.newestPriority(source.row.id),
      now: s.env.now(),
      ...(metadataOnly ? { metadataOnly } : {}),
    },
  }, {
    ...(signal ? { signal } : {}),
    ...(isOnServer(source) ? { deadlineMs: SERVER_DEADLINE_MS } : {}),
  });
}

/** What the backend said besides files: skips, logs and problems all end in the record (L5). */
export function recordDraft(draft: DatasetDraft, recorder: Recorder): void {
  for (const skip of draft.skips ?? []) {
    recorder.log(`skip_${skip.reason}`, skip.rule ? `${skip.path} (rule: ${skip.rule})` : skip.path);
  }
  for (const l of draft.logs ?? []) recorder.log(l.code, l.message);
  for (const p of draft.problems ?? []) recorder.error(p);
  if (draft.state === "incomplete") {
    recorder.log("incomplete", "the measurement is not finished: published as far as it got");
  }
}
