/**
 * Sends a large file in parts and remembers each part that the store has confirmed: after a crash or a cut it goes on with
 * the parts that are missing (U7).
 */
import { SyncError } from "../kit/errors.ts";
import { ReplyError } from "../platform/errors.ts";
import { confirm } from "./confirm.ts";
import { HashAlong } from "./hash_along.ts";
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
  const notes: string[] = [];
  for (let fresh = 0;; fresh++) {
    const { upload, hashing } = await resume(job) ?? await begin(job);
    if (!upload) return null;
    if (upload.parts.length > 0) {
      notes.push(`went on after ${upload.parts.length} of ${upload.urls.length} parts`);
    }
    try {
      const sender = new PartSender(job, upload, what, hashing);
      await sender.sendMissing();
      const hashes = await (hashing?.finish(signal) ?? job.source.hashes(signal));
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

/** An open upload, and what hashes the file on the way; null when its hashes are known. */
interface Begun {
  upload: OpenUpload | null;
  hashing: HashAlong | null;
}

/** The upload of an earlier attempt, when it is of these very bytes and its links still live. */
async function resume(job: UploadJob): Promise<Begun | null> {
  const { transfer: { journal }, version, source } = job;
  const upload = journal.find(version.uuid, version.version_id);
  if (!upload) return null;
  const isWhole = upload.urls.length === Math.ceil(source.size / upload.part_size);
  const lives = upload.expires - LINKS_MARGIN_MS > job.client.platformNow();
  if (isWhole && lives) {
    const sha256 = source.knownHashes?.sha256;
    if (sha256 === upload.sha256) return { upload, hashing: null };
    if (sha256 === undefined || upload.sha256 === "") {
      const hashing = await hashSent(job, upload);
      if (hashing) return { upload, hashing };
    }
  }
  await giveUp(job.client, journal, upload);
  return null;
}

/** Reads what was sent of a file whose hash nobody knew by then. @returns null when the file holds other bytes now */
async function hashSent(job: UploadJob, upload: OpenUpload): Promise<HashAlong | null> {
  const hashing = new HashAlong(job.source, upload.part_size, upload.parts);
  try {
    await hashing.catchUp(job.signal, (bytes) => job.onChecking?.(bytes, job.source.size));
    return hashing;
  } catch (e) {
    if (isOfAnotherState(e)) return null;
    throw e;
  } finally {
    job.onChecking?.(null, job.source.size);
  }
}

async function begin(job: UploadJob): Promise<Begun> {
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
    sha256: source.knownHashes?.sha256 ?? "",
    started: client.platformNow(),
  };
  // Known before it is asked for: should the reply be lost, it is not left open for ever.
  journal.begin(asked);
  const links = await client.multipartLinks(version, signal);
  if (!links) {
    journal.end(file_uuid, version_id);
    return { upload: null, hashing: null };
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
  const hashing = source.knownHashes === null ? new HashAlong(source, entry.part_size) : null;
  return { upload: { ...entry, parts: [] }, hashing };
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
