/** Secures one file version on the platform: announced, sent whole or in parts, verified (U4 to U7). */
import { SyncError } from "../kit/errors.ts";
import { sendInParts } from "./multipart.ts";
import { giveUp } from "./orphans.ts";
import { sendWhole } from "./single_part.ts";
import { isSecuredForGood, label, type UploadJob, type UploadOutcome } from "./upload_job.ts";

export type { UploadJob, UploadOutcome } from "./upload_job.ts";

/** Largest object that stores take in one PUT, bytes. */
const LARGEST_PUT = 5 * 1024 ** 3;

/**
 * Announces the version if needed, sends the bytes with at most three PUTs (of each part), has them validated and reads
 * the record back.
 * @throws SyncError network (three attempts failed for want of a connection), platform `upload_failed` (for another
 * reason), busy `file_changing` (discard, look again later), data `file_too_large`, permission, auth; the signal's
 * reason when aborted
 */
export async function uploadVersion(job: UploadJob): Promise<UploadOutcome> {
  const { client, version, source, transfer } = job;
  // A record announced with another size is announced anew: a platform that checks sizes may take the new one.
  const isFitting = job.existing !== null &&
    (job.existing.status === "secured" || job.existing.size === version.size);
  const before = isFitting ? job.existing : await client.createFile(version);
  if (before && isSecuredForGood(before)) return { outcome: "decide_again", record: before };
  const announcedSize = before?.size ?? version.size;
  // The file changed since: nobody goes on with what was begun for another state of it.
  for (const open of transfer.journal.ofFile(version.uuid)) {
    if (open.version_id !== version.version_id || source.size < transfer.partsFrom) {
      await giveUp(client, transfer.journal, open);
    }
  }

  if (source.size >= transfer.partsFrom) {
    const outcome = await sendInParts(job, announcedSize);
    if (outcome) return outcome;
    if (source.size > LARGEST_PUT) {
      throw new SyncError("data", "file_too_large", `${label(job)}: ${source.size} bytes`, {
        hint: "The platform takes no uploads in parts, and 5 GiB at most in one: split the file, or skip it.",
      });
    }
  }
  return await sendWhole(job, announcedSize);
}
