import { withDeadline } from "./deadline.ts";
import { networkError } from "./errors.ts";
import { filePutter, PUT_LIMITS, type PutLimits } from "./put_file.ts";
import { bytesOf, completeReply, isFileBody, type Transport, type TransportRequest } from "./transport.ts";

/** Shorter file bodies are sent by `fetch`, which costs much less time for each of many, bytes. */
const WHOLE = 64 * 1024;

/**
 * A transport over the network: `fetch` for JSON, downloads and short files, node:http(s) for longer file bodies, because
 * `fetch` always sends streams chunked, which object stores refuse. On a kept connection that breaks, `fetch` by itself sends a
 * request once more, POST and PATCH included: every write must be harmless when it arrives twice.
 * @param baseUrl address of the server, with or without trailing slash
 */
export function httpTransport(baseUrl: string, limits?: Partial<PutLimits>): Transport {
  const base = baseUrl.replace(/\/+$/, "");
  const putter = filePutter(limits);
  const { stallMs, floorBytesPerS } = { ...PUT_LIMITS, ...limits };

  async function send(request: TransportRequest): Promise<Response> {
    const { body, method, headers, signal, what, onProgress } = request;
    const url = request.url.startsWith("/") ? base + request.url : request.url;
    const isShort = isFileBody(body) && body.size <= WHOLE && /^https?:/.test(url);
    if (isFileBody(body) && !isShort) {
      return await putter.send({ url: new URL(url), method, headers, body, signal, what, onProgress });
    }
    const content = isFileBody(body) ? await bytesOf(body) : body;
    const ms = isFileBody(body) ? stallMs + body.size / floorBytesPerS * 1000 : request.timeoutMs;
    return await withDeadline({ ms, signal, what }, async (signal, release) => {
      try {
        const reply = await fetch(url, { method, headers, body: content, signal, redirect: "manual" });
        if (isFileBody(body)) onProgress?.(body.size);
        if (request.streamReply) {
          release();
          return reply;
        }
        return completeReply(reply.status, reply.headers, await reply.bytes());
      } catch (e) {
        throw signal.aborted ? signal.reason : networkError(e, what);
      }
    });
  }
  return { baseUrl: base, send, close: () => putter.close() };
}
