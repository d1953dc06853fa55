/** One PUT to a store, within the bandwidth, and what the store's reply proves. */
import { SyncError } from "../kit/errors.ts";
import { isWebPage } from "../platform/errors.ts";
import type { StoreReply } from "../platform/objects.ts";
import type { FileBody } from "../platform/transport.ts";
import { limitedBody } from "./bandwidth.ts";
import { storeError, uploadFailed, type UploadJob } from "./upload_job.ts";
import { verifyReply } from "./verify_reply.ts";

/**
 * @param md5 of the bytes, asked for when they were sent
 * @returns the reply, and a note when it proves nothing
 * @throws SyncError network (with its endpoint), platform; whatever the body throws
 */
export async function putBytes(
  job: UploadJob,
  url: string,
  body: FileBody,
  md5: () => string | Promise<string>,
  what: string,
  onProgress: (sent: number) => void,
): Promise<{ reply: StoreReply; note: string | null }> {
  try {
    return await put(job, url, body, md5, what, onProgress);
  } catch (e) {
    if (e instanceof SyncError && e.class === "network") e.endpoint = endpointOf(url, job.client.baseUrl);
    throw e;
  }
}

/** Origin of a link to a store that is not the platform itself. */
function endpointOf(url: string, baseUrl: string): string | undefined {
  const platform = new URL(baseUrl).origin;
  const { origin } = new URL(url, platform);
  return origin === platform ? undefined : origin;
}

async function put(
  job: UploadJob,
  url: string,
  body: FileBody,
  md5: () => string | Promise<string>,
  what: string,
  onProgress: (sent: number) => void,
): Promise<{ reply: StoreReply; note: string | null }> {
  const { client, transfer, signal } = job;
  const reply = await client.putObject(url, limitedBody(body, transfer.bandwidth, signal), {
    what,
    signal,
    onProgress,
  });
  const isStored = (reply.status === 200 || reply.status === 201) && !isWebPage(reply.headers, reply.body);
  if (!isStored) throw storeError(reply, what, client.platformNow());
  const verdict = verifyReply(reply.headers, await md5());
  if (!verdict.ok) throw uploadFailed(what, verdict.problem);
  return { reply, note: verdict.note ?? null };
}
