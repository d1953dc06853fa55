/** Uploads in parts that nobody goes on with are given up, so that the store need not keep their parts (U7). */
import { SyncError } from "../kit/errors.ts";
import type { PlatformClient } from "../platform/client.ts";
import type { JournalEntry, UploadJournal } from "./upload_journal.ts";

/** Longer than any link lives; an upload that began before is of no further use, ms. */
const OLDEST_MS = 24 * 3600 * 1000;

/** @returns how many were given up. @throws SyncError of class network or auth, when it is to be tried later */
export async function abortOrphans(
  client: Pick<PlatformClient, "abortUpload">,
  journal: UploadJournal,
  now: number,
): Promise<number> {
  const orphans = journal.orphans(now - OLDEST_MS);
  for (const { file_uuid: uuid, version_id, upload_id } of orphans) {
    await client.abortUpload({ uuid, version_id }, upload_id);
    journal.end(uuid, version_id);
  }
  return orphans.length;
}

/** Gives up an open upload; one that the platform cannot be told of now stays in the journal until it can. */
export async function giveUp(
  client: Pick<PlatformClient, "abortUpload">,
  journal: UploadJournal,
  { file_uuid: uuid, version_id, upload_id }: JournalEntry,
): Promise<void> {
  try {
    await client.abortUpload({ uuid, version_id }, upload_id);
  } catch (e) {
    if (e instanceof SyncError && (e.class === "network" || e.class === "auth")) return;
  }
  journal.end(uuid, version_id);
}
