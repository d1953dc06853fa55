/** Sends a file in one PUT (U4, U5). */
import { ReplyError } from "../platform/errors.ts";
import type { UploadLink } from "../platform/schemas.ts";
import { confirm } from "./confirm.ts";
import { putBytes } from "./put_bytes.ts";
import {
  isAnotherTryWorthwhile,
  label,
  pauseAfter,
  securedMeanwhile,
  type UploadJob,
  type UploadOutcome,
} from "./upload_job.ts";

/** At most three PUTs of the same bytes, each from byte 0. Throws as {@link uploadVersion} does. */
export async function sendWhole(job: UploadJob, announcedSize: number): Promise<UploadOutcome> {
  const { client, version, source, signal } = job;
  const what = label(job);
  const notes: string[] = [];
  let link: UploadLink | null = null;
  for (let puts = 1;; puts++) {
    try {
      link ??= await client.singlePartLink(version, signal);
      const md5OfSent = async () => (await source.hashes(signal)).md5;
      const { note } = await putBytes(
        job,
        link.url,
        source.body(),
        md5OfSent,
        what,
        (sent) => job.onProgress?.(sent, source.size),
      );
      if (note) notes.push(note);
      const hashes = await source.hashes(signal);
      const md5 = job.contentMd5 ?? hashes.md5;
      const record = await confirm(
        job,
        () => client.validateSinglePart(version, md5, signal),
        announcedSize,
        md5,
        what,
      );
      return { outcome: "secured", record, hashes, puts, notes };
    } catch (e) {
      signal?.throwIfAborted();
      const secured = await securedMeanwhile(job, e);
      if (secured) return { outcome: "decide_again", record: secured };
      if (link === null || !isAnotherTryWorthwhile(e)) throw e;
      notes.push(`attempt ${puts}: ${e.message}`);
      // A link that was answered with a refusal may be worn out.
      if (e instanceof ReplyError) link = null;
      await pauseAfter(job, e, puts, what);
    }
  }
}
