/** Tells the platform that the bytes are there, and reads back what it says then (U6). */
import { SyncError } from "../kit/errors.ts";
import { mayHaveTakenEffect, ReplyError } from "../platform/errors.ts";
import type { FileRecord } from "../platform/schemas.ts";
import { LONGEST_RETRY_AFTER_MS, uploadFailed, type UploadJob } from "./upload_job.ts";

/**
 * A call whose reply was lost is repeated only after a look whether it took effect. A platform that says when to ask
 * again is still at work, on a large file perhaps: it is asked for up to ten minutes.
 * @param tell the call that says that the bytes are there
 * @param announcedSize what the record said before
 * @throws SyncError when the record does not say what was sent
 */
export async function confirm(
  job: UploadJob,
  tell: () => Promise<void>,
  announcedSize: number,
  md5: string,
  what: string,
): Promise<FileRecord> {
  const { client, version, env } = job;
  let waited = 0;
  for (let last = false;;) {
    let failure: unknown = null;
    try {
      await tell();
    } catch (e) {
      const refused = e instanceof ReplyError && e.class === "permission";
      if (!refused && !mayHaveTakenEffect(e)) throw e;
      failure = e;
    }
    const record = await client.readFile(version);
    const expectedSize = announcedSize === version.size ? version.size : record?.size;
    if (record?.status === "secured" && record.md5_checksum === md5 && record.size === expectedSize) {
      return record;
    }
    if (failure === null) {
      const found = record
        ? `${record.status}, md5 ${record.md5_checksum}, ${record.size} bytes`
        : "no record";
      throw uploadFailed(what, `read back ${found} instead of secured, md5 ${md5}, ${version.size} bytes`);
    }
    const wait = failure instanceof ReplyError && failure.status === 503 ? failure.retryAfterMs : null;
    if (wait !== null && waited + wait <= LONGEST_RETRY_AFTER_MS) {
      waited += Math.max(wait, 1000);
      await env.sleep(Math.max(wait, 1000), job.signal);
      continue;
    }
    const isLost = failure instanceof SyncError && failure.class === "network";
    if (last || !isLost) throw failure;
    last = true;
  }
}
