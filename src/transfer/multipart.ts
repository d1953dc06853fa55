/**
 * Sends a large file in parts, three at a time, and remembers each part that the store has confirmed: after a crash or
 * a cut it goes on with the parts that are missing (U7).
 */
import { SyncError } from "../kit/errors.ts";
import { ReplyError } from "../platform/errors.ts";
import { confirm } from "./confirm.ts";
import { PartSender } from "./part_sender.ts";
import { giveUp } from "./orphans.ts";
import { label, securedMeanwhile, type UploadJob, type UploadOutcome } from "./upload_job.ts";
import type { JournalEntry, OpenUpload } from "./upload_journal.ts";

/** Links live for a day (platform contract); those that end soon are not begun with, ms. */
const LINKS_LIVE_MS = 86_400_000;
const LINKS_MARGIN_MS = 600_000;

/**
 * @returns null when the platform takes no parts
 * @throws SyncError as `uploadVersion`; busy `file_changing` gives the upload up
 */
export async function sendInParts(job: UploadJob, announcedSize: number): Promise<UploadOutcome | null> {
  const { client, version, transfer: { journal }, signal } = job;
  const what = label(job);
  // Of the whole file, before anything is sent: what an earlier process sent can be gone on with only when it is known
  // that the rest belongs to the same state. From the cache after a crash, so that nothing is read twice.
  const hashes = await job.source.hashes(signal);
  const notes: string[] = [];
  for (let fresh = 0;; fresh++) {
    const upload = await resume(job, hashes.sha256) ?? await begin(job, hashes.sha256);
    if (!upload) return null;
    if (upload.parts.length > 0) {
      notes.push(`went on after ${upload.parts.length} of ${upload.urls.length} parts`);
    }
    try {
      const sender = new PartSender(job, upload, what);
      await sender.sendMissing();
      const md5 = job.contentMd5 ?? hashes.md5;
      const etags = sender.etags();
      const record = await confirm(
        job,
        () =>
          client.validateMultipart(
            version,
            md5,
            { id: upload.upload_id, etags, size: job.source.size },
            signal,
          ),
        announcedSize,
        md5,
        what,
      );
      journal.end(version.uuid, version.version_id);
      return { outcome: "secured", record, hashes, puts: sender.puts, notes: [...notes, ...sender.notes] };
    } catch (e) {
      signal?.throwIfAborted();
      const secured = await securedMeanwhile(job, e);
      if (secured) {
        journal.end(version.uuid, version.version_id);
        return { outcome: "decide_again", record: secured };
      }
      if (isOfAnotherState(e)) await giveUp(job.client, journal, upload);
      if (!isWornOut(e) || fresh > 0) throw e;
      // Links that have expired, or an upload that the store has forgotten: once more from the start.
      notes.push(`begun anew: ${e instanceof Error ? e.message : e}`);
      await giveUp(job.client, journal, upload);
      // A new one takes its place, also at a platform that could not be told.
      journal.end(version.uuid, version.version_id);
    }
  }
}

/** The upload of an earlier attempt, when it is of these very bytes and its links still live. */
async function resume(job: UploadJob, sha256: string): Promise<OpenUpload | null> {
  const { transfer: { journal }, version, source } = job;
  const known = journal.find(version.uuid, version.version_id);
  if (!known) return null;
  const isWhole = known.urls.length === Math.ceil(source.size / known.part_size);
  const lives = known.expires - LINKS_MARGIN_MS > job.client.platformNow();
  if (known.sha256 === sha256 && isWhole && lives) return known;
  await giveUp(job.client, journal, known);
  return null;
}

async function begin(job: UploadJob, sha256: string): Promise<OpenUpload | null> {
  const { client, version, source, transfer: { journal }, signal } = job;
  const { uuid: file_uuid, version_id } = version;
  const asked: JournalEntry = {
    file_uuid,
    version_id,
    upload_id: "",
    part_size: 0,
    urls: [],
    expires: 0,
    path: source.source,
    fingerprint: source.fingerprint,
    sha256,
    started: client.platformNow(),
  };
  // Known before it is asked for: should the reply be lost, it is not left open for ever.
  journal.begin(asked);
  const links = await client.multipartLinks(version, signal);
  if (!links) {
    journal.end(file_uuid, version_id);
    return null;
  }
  if (links.presigned_urls.length !== Math.ceil(source.size / links.part_size)) {
    throw new SyncError(
      "platform",
      "invalid_reply",
      `${label(job)}: ${links.presigned_urls.length} links for parts of ${links.part_size} bytes`,
      { hint: "The platform does not know the file's size: tell its administrator." },
    );
  }
  const entry: JournalEntry = {
    ...asked,
    upload_id: links.upload_id,
    part_size: links.part_size,
    urls: links.presigned_urls,
    expires: client.platformNow() + LINKS_LIVE_MS,
  };
  journal.begin(entry);
  return { ...entry, parts: [] };
}

/** A file that is only locked or out of reach is gone on with later. */
function isOfAnotherState(e: unknown): boolean {
  return e instanceof SyncError && e.code === "file_changing";
}

/** The store or platform does not know the upload, or no longer takes its links. */
function isWornOut(e: unknown): boolean {
  const reply = e instanceof SyncError && e.cause instanceof ReplyError ? e.cause : e;
  return reply instanceof ReplyError && reply.class === "platform" &&
    [400, 403, 404, 410].includes(reply.status);
}
