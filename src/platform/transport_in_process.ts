import { withDeadline } from "./deadline.ts";
import { httpTransport } from "./transport_http.ts";
import {
  bytesOf,
  completeReply,
  type FileBody,
  isFileBody,
  type Transport,
  type TransportRequest,
} from "./transport.ts";

/** Name of the embedded hub in URLs; never looked up. */
const DEFAULT_BASE = "http://hub.internal";

/** Shorter bodies are handed over whole, bytes. */
const WHOLE = 1024 * 1024;

/** A body stream that produces as much as is asked for and reports what it handed over. */
function streamOf(body: FileBody, onProgress?: (sent: number) => void): ReadableStream<Uint8Array> {
  const chunks = body.chunks()[Symbol.asyncIterator]();
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) return controller.close();
      sent += value.length;
      // The reader of the stream may keep the chunk, the producer may reuse it.
      controller.enqueue(value.slice());
      onProgress?.(sent);
    },
    async cancel() {
      await chunks.return?.();
    },
  }, { highWaterMark: 0 });
}

/**
 * A transport that calls a hub in this process. Links to other servers (an object store) go over the network.
 * @param fetchLike the hub's request handler
 * @param baseUrl the address under which requests are made, hence the origin of the hub's own links
 */
export function inProcessTransport(
  fetchLike: (request: Request) => Response | Promise<Response>,
  baseUrl = DEFAULT_BASE,
): Transport {
  const network = httpTransport(baseUrl);
  const origin = new URL(baseUrl).origin;

  async function send(request: TransportRequest): Promise<Response> {
    const url = new URL(request.url, `${baseUrl}/`);
    if (url.origin !== origin) return network.send(request);
    const { body, onProgress, what } = request;
    const headers = new Headers(request.headers);
    // What goes wrong while the file is read is thrown as it is, whatever the hub makes of it.
    let bodyFailure: { error: unknown } | null = null;
    const guarded = (file: FileBody): FileBody => ({
      size: file.size,
      async *chunks() {
        try {
          yield* file.chunks();
        } catch (error) {
          bodyFailure = { error };
          throw error;
        }
      },
    });
    const options: RequestInit & { duplex?: "half" } = { method: request.method, headers };
    if (isFileBody(body) && body.size <= WHOLE) {
      headers.set("content-length", String(body.size));
      options.body = await bytesOf(body, onProgress);
    } else if (isFileBody(body)) {
      headers.set("content-length", String(body.size));
      options.body = streamOf(guarded(body), onProgress);
      options.duplex = "half";
    } else if (body !== undefined) {
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      headers.set("content-length", String(bytes.length));
      options.body = bytes;
    }
    const ms = isFileBody(body) ? undefined : request.timeoutMs;
    return await withDeadline({ ms, signal: request.signal, what }, async (signal, release) => {
      let reply: Response;
      try {
        // A signal of its own costs a request as much as all the rest: only a body that is still being read needs one.
        reply = await fetchLike(new Request(url, options.duplex ? { ...options, signal } : options));
      } catch (e) {
        throw bodyFailure ? bodyFailure.error : e;
      }
      if (bodyFailure) {
        await reply.body?.cancel();
        throw bodyFailure.error;
      }
      if (request.streamReply) {
        release();
        return reply;
      }
      // JSON is in memory already.
      if (reply.headers.get("content-type")?.startsWith("application/json")) return reply;
      return completeReply(reply.status, reply.headers, await reply.bytes());
    });
  }
  return { baseUrl, send, close: () => network.close() };
}
