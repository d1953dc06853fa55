/** What an upload is asked to do and how it may end; what its ways, whole or in parts, share. */
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import type { PlatformClient } from "../platform/client.ts";
import { ReplyError, replyError } from "../platform/errors.ts";
import type { StoreReply } from "../platform/objects.ts";
import type { FileCreate, FileRecord } from "../platform/schemas.ts";
import type { TransferContext } from "./context.ts";
import type { Hashes } from "./hash.ts";
import type { Snapshot } from "./snapshot.ts";

export interface UploadJob {
  client: Pick<
    PlatformClient,
    | "createFile"
    | "readFile"
    | "singlePartLink"
    | "multipartLinks"
    | "putObject"
    | "validateSinglePart"
    | "validateMultipart"
    | "abortUpload"
    | "platformNow"
    | "baseUrl"
  >;
  env: Pick<Env, "now" | "monotonic" | "sleep" | "random">;
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
  /** Called with the bytes read again of what an earlier process sent; null when that ended. */
  onChecking?: (read: number | null, size: number) => void;
  signal?: AbortSignal;
}

export type UploadOutcome =
  | { outcome: "secured"; record: FileRecord; hashes: Hashes; puts: number; notes: string[] }
  /** The version was secured by someone else meanwhile: the version decision is to be made anew (F4). */
  | { outcome: "decide_again"; record: FileRecord };

/** Pauses before the second and third PUT, ms (U5). */
const PAUSES_MS = [500, 2000];
/** A store that asks for more is not waited for, ms. */
export const LONGEST_RETRY_AFTER_MS = 600_000;

/** For error messages. */
export function label({ version }: Pick<UploadJob, "version">): string {
  return `uploading "${version.name}" (file ${version.uuid} version ${version.version_id})`;
}

export function uploadFailed(what: string, problem: string, cause?: unknown): SyncError {
  return new SyncError("platform", "upload_failed", `${what}: ${problem}`, {
    hint: "The agent tries again later; tell the platform's administrator if it goes on.",
    cause,
  });
}

/** Links carry their own right and lead straight to the store: a refusal is about neither log-in, scope nor portal. */
export function storeError(reply: StoreReply, what: string, platformNow: number): SyncError {
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

export const isSecuredForGood = (r: FileRecord) => r.status === "secured" && r.immutable;

/** A refusal may mean that someone else secured the version meanwhile. @returns its record then */
export async function securedMeanwhile(job: UploadJob, e: unknown): Promise<FileRecord | null> {
  if (!(e instanceof ReplyError) || e.class !== "permission") return null;
  const record = await job.client.readFile(job.version);
  return record && isSecuredForGood(record) ? record : null;
}

/** Failures after which the same bytes may be sent once more. */
export function isAnotherTryWorthwhile(e: unknown): e is SyncError {
  return e instanceof SyncError && (e.class === "network" || e.class === "platform");
}

/**
 * Waits before the next PUT of the same bytes.
 * @param puts made so far
 * @throws the failure when there were enough: network as it is, others as `upload_failed`
 */
export async function pauseAfter(job: UploadJob, e: SyncError, puts: number, what: string): Promise<void> {
  const pause = PAUSES_MS[puts - 1];
  if (pause === undefined) {
    throw e.class === "network" || e.code === "upload_failed" ? e : uploadFailed(what, e.message, e);
  }
  const asked = e instanceof ReplyError ? Math.min(e.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) : 0;
  await job.env.sleep(Math.max(asked, pause * (0.5 + job.env.random())), job.signal);
}
