/** Uploads in parts that nobody goes on with are given up, so that the store need not keep their parts (U7). */
import { SyncError } from "../kit/errors.ts";
import type { PlatformClient } from "../platform/client.ts";
import { ReplyError } from "../platform/errors.ts";
import type { JournalEntry, UploadJournal } from "./upload_journal.ts";

/** Longer than any link lives; an upload that began before is of no further use, ms. */
const OLDEST_MS = 24 * 3600 * 1000;

type Client = Pick<PlatformClient, "abortUpload" | "multipartLinks">;
type ClockedClient = Client & Pick<PlatformClient, "platformNow" | "me">;

/**
 * Gives up what is older than a day by the platform's clock, which alone decides whether links still live (U10).
 * @returns how many were given up
 * @throws SyncError of class network or auth, when it is to be tried later
 */
export async function abortOrphans(client: ClockedClient, journal: UploadJournal): Promise<number> {
  const old = () => journal.orphans(client.platformNow() - OLDEST_MS);
  let count = 0;
  try {
    // The PC's clock may have been set since the platform was last heard: only its next reply tells what is old.
    if (journal.orphans(Infinity).length > 0) await client.me();
  } catch (e) {
    if (isHindrance(e)) throw e;
    return count;
  }
  for (const upload of old()) {
    try {
      await abort(client, journal, upload);
    } catch (e) {
      if (isHindrance(e)) throw e;
      if (!isDefinite(e)) continue;
    }
    journal.end(upload.file_uuid, upload.version_id);
    count++;
  }
  return count;
}

/** Gives up an open upload; one that the platform cannot be told of now stays in the journal until it can. */
export async function giveUp(client: Client, journal: UploadJournal, upload: JournalEntry): Promise<void> {
  try {
    await abort(client, journal, upload);
  } catch (e) {
    if (!isDefinite(e)) return;
  }
  journal.end(upload.file_uuid, upload.version_id);
}

/** An upload whose id never arrived is replaced by one with a known id, which can be aborted, now or later. */
async function abort(client: Client, journal: UploadJournal, upload: JournalEntry): Promise<void> {
  const { file_uuid: uuid, version_id } = upload;
  let { upload_id } = upload;
  if (!upload_id) {
    upload_id = (await client.multipartLinks({ uuid, version_id }))?.upload_id ?? "";
    if (!upload_id) return;
    journal.begin({ ...upload, upload_id });
  }
  await client.abortUpload({ uuid, version_id }, upload_id);
}

function isHindrance(e: unknown): boolean {
  return e instanceof SyncError && (e.class === "network" || e.class === "auth");
}

/** The platform refuses: it knows no such upload, or the version is secured. */
function isDefinite(e: unknown): boolean {
  return e instanceof ReplyError && (e.class === "platform" || e.class === "permission") &&
    e.status >= 400 && e.status < 500;
}
