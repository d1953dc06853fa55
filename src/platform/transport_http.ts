import { withDeadline } from "./deadline.ts";
import { networkError } from "./errors.ts";
import { filePutter, type PutLimits } from "./put_file.ts";
import { completeReply, isFileBody, type Transport, type TransportRequest } from "./transport.ts";

/**
 * A transport over the network: `fetch` for JSON and downloads, node:http(s) for file bodies, because `fetch` always
 * sends streams chunked, which object stores refuse. On a kept connection that breaks, `fetch` by itself sends a
 * request once more, POST and PATCH included: every write must be harmless when it arrives twice.
 * @param baseUrl address of the server, with or without trailing slash
 */
export function httpTransport(baseUrl: string, limits?: Partial<PutLimits>): Transport {
  const base = baseUrl.replace(/\/+$/, "");
  const putter = filePutter(limits);

  async function send(request: TransportRequest): Promise<Response> {
    const { body, method, headers, signal, what, onProgress } = request;
    const url = request.url.startsWith("/") ? base + request.url : request.url;
    if (isFileBody(body)) {
      return await putter.send({ url: new URL(url), method, headers, body, signal, what, onProgress });
    }
    return await withDeadline({ ms: request.timeoutMs, signal, what }, async (signal, release) => {
      try {
        const reply = await fetch(url, { method, headers, body, signal, redirect: "manual" });
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
