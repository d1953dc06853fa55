/** The way to the platform, with everything that happens to requests and replies on it. */
import { Buffer } from "node:buffer";
import { SyncError } from "../../src/kit/errors.ts";
import { isFileBody, type Transport, type TransportRequest } from "../../src/platform/transport.ts";
import type { Life } from "./life.ts";
import { BASE_URL, type PlatformReply } from "./platform.ts";

/** How long the transport waits for a reply, or for progress of a body, ms. */
const STALL_MS = 30_000;

export class Network {
  /** Nothing gets through, up to this elapsed time, ms. */
  downUntil = 0;

  transport(life: Life): Transport {
    return {
      baseUrl: BASE_URL,
      send: (request) => life.alive(() => this.#send(life, request)),
      close() {},
    };
  }

  async #send(life: Life, request: TransportRequest): Promise<Response> {
    const { world } = life;
    const { random, clock } = world;
    const { what, signal } = request;
    const url = new URL(request.url, `${BASE_URL}/`);
    const fault = life.operation({ kind: "request", what: `${request.method} ${shown(url)}` });
    signal?.throwIfAborted();
    if (clock.monotonic() < this.downUntil) {
      await clock.sleep(random.below(2) === 0 ? 5 : 10_000);
      throw networkError("host_unreachable", what);
    }
    await clock.sleep(1 + random.below(10), signal);
    if (fault === "cut" && random.below(2) === 0) throw networkError("connection_reset", what);
    const body = await this.#bodyOf(life, request, fault === "slow");
    signal?.throwIfAborted();
    if (fault === "corrupt" && isFileBody(request.body) && body.length > 0) {
      const at = random.below(body.length);
      body[at] = (body[at] ?? 0) ^ 1;
    }
    if (fault === "cut") throw networkError("connection_reset", what);

    const early = fault === undefined ? undefined : earlyReply(fault, url);
    if (early) return this.#reply(life, request, early);
    const asked = { method: request.method, url, headers: request.headers, body };
    const take = () => world.platform.handle(asked);
    if (fault === "late") {
      clock.sleep(50 + random.below(20_000)).then(() => {
        world.note(`late: ${request.method} ${shown(url)} → ${world.platform.handleLate(asked).status}`);
      });
      throw networkError("connection_reset", what);
    }
    if (fault === "slow") {
      const limit = isFileBody(request.body) ? STALL_MS : request.timeoutMs ?? STALL_MS;
      const ms = random.below(2 * limit);
      await clock.sleep(Math.min(ms, limit), signal);
      // The platform did what it was asked for; nobody waits for its word any more.
      if (ms >= limit) take();
      if (ms >= limit) throw networkError("connection_timeout", what);
    }
    const reply = take();
    if (fault === "reply_lost") throw networkError("connection_reset", what);
    if (fault === "error_after") {
      return this.#reply(life, request, refused(random.below(2) === 0 ? 500 : 504));
    }
    return this.#reply(life, request, reply);
  }

  /** Takes a body piece by piece, as it is produced. */
  async #bodyOf(
    life: Life,
    { body, onProgress }: TransportRequest,
    slow: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (body === undefined) return new Uint8Array();
    if (!isFileBody(body)) return new Uint8Array(Buffer.from(body));
    const bytes = new Uint8Array(body.size);
    let size = 0;
    for await (const chunk of body.chunks()) {
      if (size + chunk.length > bytes.length) {
        life.world.violations.push(`a body is longer than the ${body.size} bytes that were announced`);
        break;
      }
      bytes.set(chunk, size);
      size += chunk.length;
      onProgress?.(size);
      if (slow) await life.wait(life.world.random.below(STALL_MS));
    }
    if (size !== body.size) throw new Error(`the body ended after ${size} of ${body.size} bytes`);
    return bytes;
  }

  #reply(life: Life, { method }: TransportRequest, { status, headers, body }: PlatformReply): Response {
    const { world } = life;
    life.operation({ kind: "replied", what: `${method} ${status}` });
    const date = new Date(world.platformNow()).toUTCString();
    const noBody = status === 204;
    return new Response(noBody ? null : body, { status, headers: { date, ...headers } });
  }
}

/** Replies that come in place of the platform's. */
function earlyReply(fault: string, url: URL): PlatformReply | undefined {
  switch (fault) {
    case "internal_error":
      return refused(500);
    case "unavailable":
      return refused(503);
    case "too_many":
      return { ...refused(429), headers: { "content-type": "application/json", "retry-after": "7" } };
    case "portal":
      return {
        status: 200,
        headers: { "content-type": "text/html" },
        body: "<!DOCTYPE html><html>Log in</html>",
      };
    case "ok_with_error":
      return url.origin === BASE_URL
        ? { ...refused(200), body: JSON.stringify({ error: "server_error", detail: "no" }) }
        : {
          status: 200,
          headers: { "content-type": "application/xml" },
          body: "<Error><Code>InternalError</Code></Error>",
        };
    case "link_expired":
      if (url.origin === BASE_URL) return undefined;
      return {
        status: 403,
        headers: { "content-type": "application/xml" },
        body: "<Error><Code>AccessDenied</Code></Error>",
      };
  }
}

function refused(status: number): PlatformReply {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ detail: "told to" }),
  };
}

function networkError(code: string, what: string): SyncError {
  return new SyncError("network", code, `${what}: ${code}`, { hint: "Check the network." });
}

function shown({ pathname, searchParams }: URL): string {
  const number = searchParams.get("number");
  return pathname.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "~") +
    (number ? `#${number}` : "");
}
