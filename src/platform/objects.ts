/** Transfers to and from the object store, by links that the platform gave out. No log-in is ever sent there. */
import type { Api } from "./api.ts";
import { replyError } from "./errors.ts";
import type { FileBody } from "./transport.ts";

export interface PutOptions {
  what: string;
  signal?: AbortSignal;
  /** Called with the bytes handed to the network so far. */
  onProgress?: (sent: number) => void;
}

/** What the store answered, whatever its status. */
export interface StoreReply {
  status: number;
  headers: Headers;
  body: string;
}

export interface ObjectCalls {
  /**
   * PUTs a file body with its exact length, never chunked, redirects not followed.
   * @throws SyncError of class network without a reply; whatever the body throws
   */
  putObject(url: string, body: FileBody, options: PutOptions): Promise<StoreReply>;
  /**
   * Opens a download link (`S3_link`).
   * @param range first and last byte, inclusive
   * @throws SyncError when the store refuses
   */
  download(
    url: string,
    range?: { first: number; last?: number },
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>>;
}

const PUT_HEADERS = { "x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream" };
const API_TIMEOUT_MS = 10_000;

/** Test set-ups with a store under the name `minio` take no extra headers. */
function putHeaders(url: string, baseUrl: string): Record<string, string> {
  return new URL(url, `${baseUrl}/`).hostname === "minio" ? {} : { ...PUT_HEADERS };
}

export function objectCalls(api: Api): ObjectCalls {
  const { transport, clock, env } = api;
  return {
    async putObject(url, body, options) {
      const startedAt = env.now();
      const reply = await transport.send({
        method: "PUT",
        url,
        headers: putHeaders(url, transport.baseUrl),
        body,
        ...options,
      });
      clock.learn(reply.headers.get("date"), startedAt);
      return { status: reply.status, headers: reply.headers, body: await reply.text() };
    },
    async download(url, range, signal) {
      const what = "downloading a file";
      const reply = await transport.send({
        method: "GET",
        url,
        headers: range ? { range: `bytes=${range.first}-${range.last ?? ""}` } : {},
        timeoutMs: API_TIMEOUT_MS,
        streamReply: true,
        what,
        signal,
      });
      if (reply.status === 200 || (range && reply.status === 206)) {
        return reply.body ?? new Blob([]).stream();
      }
      const body = await reply.text();
      throw replyError({ status: reply.status, headers: reply.headers, body }, what, clock.platformNow());
    },
  };
}
