/** Secures one file version on the platform in a single part (U4 to U6). */
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import type { PlatformClient } from "../platform/client.ts";
import { isWebPage, mayHaveTakenEffect, ReplyError, replyError } from "../platform/errors.ts";
import type { StoreReply } from "../platform/objects.ts";
import type { FileCreate, FileRecord, UploadLink } from "../platform/schemas.ts";
import type { TransferContext } from "./context.ts";
import type { Hashes } from "./hash.ts";
import type { Snapshot } from "./snapshot.ts";
import { verifyReply } from "./verify_reply.ts";

export interface UploadJob {
  client: Pick<
    PlatformClient,
    "createFile" | "readFile" | "singlePartLink" | "putObject" | "validateSinglePart" | "platformNow"
  >;
  env: Pick<Env, "sleep" | "random">;
  transfer: TransferContext;
  /** The version to secure; announced when `existing` is null. */
  version: FileCreate;
  /** Its record on the platform, as the version decision saw it. */
  existing: FileRecord | null;
  source: Snapshot;
  /** Checksum for the platform instead of the plain md5 (F12), for netCDF files. */
  contentMd5?: string | null;
  /** Called with bytes sent in this attempt and in total. */
  onProgress?: (sent: number, size: number) => void;
  signal?: AbortSignal;
}

export type UploadOutcome =
  | { outcome: "secured"; record: FileRecord; hashes: Hashes; puts: number; notes: string[] }
  /** The version was secured by someone else meanwhile: the version decision is to be made anew (F4). */
  | { outcome: "decide_again"; record: FileRecord };

const PAUSES_MS = [500, 2000];
const LONGEST_RETRY_AFTER_MS = 600_000;

function failed(what: string, problem: string, cause?: unknown): SyncError {
  return new SyncError("platform", "upload_failed", `${what}: ${problem}`, {
    hint: "The agent tries again later; tell the platform's administrator if it goes on.",
    cause,
  });
}

const isSecuredForGood = (r: FileRecord) => r.status === "secured" && r.immutable;

/** Links carry their own right and lead straight to the store: a refusal is about neither log-in, scope nor portal. */
function storeError(reply: StoreReply, what: string, platformNow: number): SyncError {
  const error = replyError(reply, what, platformNow);
  const isStores = error.class === "auth" || error.class === "permission" ||
    error.code === "unexpected_redirect";
  if (!isStores) return error;
  return new ReplyError("platform", `http_${reply.status}`, error.message, {
    hint: "The upload link was not accepted: check the PC's clock; the agent tries again with a fresh link.",
    status: reply.status,
    retryAfterMs: error.retryAfterMs,
  });
}

/** A refusal may mean that someone else secured the version meanwhile. @returns its record then */
async function securedMeanwhile(job: UploadJob, e: unknown): Promise<FileRecord | null> {
  if (!(e instanceof ReplyError) || e.class !== "permission") return null;
  const record = await job.client.readFile(job.version);
  return record && isSecuredForGood(record) ? record : null;
}

/** One PUT and its verification. @returns a note when the store's reply proves nothing */
async function put(job: UploadJob, link: UploadLink, what: string): Promise<string | null> {
  const { client, source } = job;
  const reply = await client.putObject(link.url, source.body(), {
    what,
    signal: job.signal,
    onProgress: (sent) => job.onProgress?.(sent, source.size),
  });
  const isStored = (reply.status === 200 || reply.status === 201) && !isWebPage(reply.headers, reply.body);
  if (!isStored) throw storeError(reply, what, client.platformNow());
  const { md5 } = await source.hashes(job.signal);
  const verdict = verifyReply(reply.headers, md5);
  if (!verdict.ok) throw failed(what, verdict.problem);
  return verdict.note ?? null;
}

/**
 * Tells the platform and reads the record back. A validate call whose reply was lost is repeated only after a look.
 * @throws SyncError when the record does not say what was sent
 */
async function validate(
  job: UploadJob,
  announcedSize: number,
  md5: string,
  what: string,
): Promise<FileRecord> {
  const { client, version } = job;
  for (let last = false;; last = true) {
    let failure: unknown = null;
    try {
      await client.validateSinglePart(version, md5, job.signal);
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
      throw failed(what, `read back ${found} instead of secured, md5 ${md5}, ${version.size} bytes`);
    }
    const isLost = failure instanceof SyncError && failure.class === "network";
    if (last || !isLost) throw failure;
  }
}

/**
 * Announces the version if needed, sends the bytes with at most three PUTs, has them validated and reads the record
 * back.
 * @throws SyncError network (three attempts failed for want of a connection), platform `upload_failed` (for another
 * reason), busy `file_changing` (discard, look again later), permission, auth; the signal's reason when aborted
 */
export async function uploadVersion(job: UploadJob): Promise<UploadOutcome> {
  const { client, env, version, source, signal } = job;
  const what = `uploading "${version.name}" (file ${version.uuid} version ${version.version_id})`;
  const notes: string[] = [];
  let link: UploadLink | null = null;

  // A record announced with another size is announced anew: a platform that checks sizes may take the new one.
  const isFitting = job.existing !== null &&
    (job.existing.status === "secured" || job.existing.size === version.size);
  const before = isFitting ? job.existing : await client.createFile(version);
  if (before && isSecuredForGood(before)) return { outcome: "decide_again", record: before };
  const announcedSize = before?.size ?? version.size;

  for (let puts = 1;; puts++) {
    try {
      link ??= await client.singlePartLink(version, signal);
      const note = await put(job, link, what);
      if (note) notes.push(note);
      const hashes = await source.hashes(signal);
      const record = await validate(job, announcedSize, job.contentMd5 ?? hashes.md5, what);
      return { outcome: "secured", record, hashes, puts, notes };
    } catch (e) {
      signal?.throwIfAborted();
      const secured = await securedMeanwhile(job, e);
      if (secured) return { outcome: "decide_again", record: secured };
      const isAttempt = link !== null && e instanceof SyncError &&
        (e.class === "network" || e.class === "platform");
      if (!isAttempt) throw e;
      const pause = PAUSES_MS[puts - 1];
      if (pause === undefined) {
        throw e.class === "network" || e.code === "upload_failed" ? e : failed(what, e.message, e);
      }
      notes.push(`attempt ${puts}: ${e.message}`);
      // A link that was answered with a refusal may be worn out.
      if (e instanceof ReplyError) link = null;
      const asked = e instanceof ReplyError ? Math.min(e.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) : 0;
      await env.sleep(Math.max(asked, pause * (0.5 + env.random())), signal);
    }
  }
}
