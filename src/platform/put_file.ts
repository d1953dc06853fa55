/** Sends a file body with its exact length and finds out soon when the other side is gone. */
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { SyncError } from "../kit/errors.ts";
import { networkError, timeoutError } from "./errors.ts";
import { type StallLimits, StallWatch } from "./stall_watch.ts";
import { completeReply, type FileBody } from "./transport.ts";

export interface PutLimits extends StallLimits {
  /** Longest time to a usable connection, TLS included, ms. */
  connectMs: number;
}

const LIMITS: PutLimits = {
  connectMs: 10_000,
  stallMs: 30_000,
  floorBytesPerS: 10_000,
  floorWindowMs: 60_000,
};

/** Chunks are sent in pieces that even a link at the floor speed finishes well within the stall limit. */
const PIECE = 128 * 1024;
/** What the system's send buffer may still hold when the last byte was handed over. */
const SEND_BUFFER = 1024 * 1024;
/** Replies to a PUT are short; anything longer is not worth keeping. */
const REPLY_LIMIT = 64 * 1024;

export interface PutRequest {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: FileBody;
  what: string;
  signal?: AbortSignal;
  onProgress?: (sent: number) => void;
}

export interface FilePutter {
  send(request: PutRequest): Promise<Response>;
  close(): void;
}

function headersOf(raw: string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] ?? "", raw[i + 1] ?? "");
  return headers;
}

function readReply(reply: http.IncomingMessage): Promise<Response> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    reply.on("data", (part: Uint8Array) => {
      if (size < REPLY_LIMIT) parts.push(part);
      size += part.length;
    });
    reply.on("error", reject);
    reply.on("close", () => reject(new Error("connection closed within the reply")));
    reply.on("end", () => {
      const body = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
      let at = 0;
      for (const p of parts) {
        body.set(p, at);
        at += p.length;
      }
      resolve(completeReply(reply.statusCode ?? 0, headersOf(reply.rawHeaders), body));
    });
  });
}

/**
 * Hands the body over piece by piece; each piece is with the system before the next one is produced. Stops when the
 * reply has come.
 */
async function writeBody(
  request: http.ClientRequest,
  body: FileBody,
  reply: Promise<unknown>,
  onPiece: (bytes: number) => void,
): Promise<void> {
  let replied = false;
  const finished = reply.then(() => void (replied = true));
  finished.catch(() => {}); // the sender waits for the reply itself
  let handedOver = 0;
  for await (const chunk of body.chunks()) {
    for (let at = 0; at < chunk.length && !replied; at += PIECE) {
      const piece = chunk.subarray(at, at + PIECE);
      const written = new Promise<void>((resolve, reject) => {
        request.write(piece, (e) => e ? reject(e) : resolve());
      });
      handedOver += piece.length;
      await Promise.race([written, finished]);
      onPiece(piece.length);
    }
    if (replied) break;
  }
  // Answered too early: the rest is not sent, and the connection is of no further use.
  if (handedOver < body.size) request.destroy();
  else request.end();
}

/** Makes a sender with its own keep-alive connections. */
export function filePutter(overrides: Partial<PutLimits> = {}): FilePutter {
  const limits = { ...LIMITS, ...overrides };
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };

  async function send(put: PutRequest): Promise<Response> {
    const { url, body, what, signal } = put;
    signal?.throwIfAborted();
    const secure = url.protocol === "https:";
    if (!secure && url.protocol !== "http:") {
      throw new SyncError("platform", "invalid_reply", `${what}: unusable upload link (${url.protocol})`, {
        hint: "The platform gave a link that is no web address: tell its administrator.",
      });
    }
    const request = (secure ? https : http).request(url, {
      method: put.method,
      headers: { ...put.headers, "Content-Length": body.size },
      agent: secure ? agents["https:"] : agents["http:"],
    });
    const giveUp = (reason: unknown) =>
      request.destroy(reason instanceof Error ? reason : new Error(String(reason)));

    const watch = new StallWatch(limits, performance.now());
    const connectTimer = setTimeout(
      () => giveUp(timeoutError(`${what}: connecting`, limits.connectMs)),
      limits.connectMs,
    );
    request.on("socket", (socket: Socket) => {
      const connected = () => clearTimeout(connectTimer);
      if (socket.connecting) socket.once(secure ? "secureConnect" : "connect", connected);
      else connected();
    });
    let allSent = Infinity;
    const stallTimer = setInterval(() => {
      const now = performance.now();
      // After the last byte the send buffer may still drain at floor speed before the server can answer.
      const grace = Math.min(body.size, SEND_BUFFER) / limits.floorBytesPerS * 1000;
      const stalled = allSent === Infinity ? watch.stalled(now) : now - allSent >= limits.stallMs + grace;
      if (stalled) giveUp(timeoutError(what, limits.stallMs));
    }, Math.min(1000, limits.stallMs / 4));
    const cancel = () => giveUp(signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });

    const reply = new Promise<Response>((resolve, reject) => {
      let answered = false;
      request.on("response", (r: http.IncomingMessage) => {
        answered = true;
        readReply(r).then(resolve, reject);
      });
      request.on("error", reject);
      request.on("close", () => answered || reject(new Error("connection closed before the reply")));
    });
    let sent = 0;
    const writing = writeBody(request, body, reply, (bytes) => {
      sent += bytes;
      watch.progress(bytes, performance.now());
      put.onProgress?.(sent);
    });
    writing.catch((e) => giveUp(e));
    writing.then(() => allSent = performance.now(), () => {});
    try {
      const response = await reply;
      await writing;
      if (response.ok && sent < body.size) {
        throw new Error("connection closed: answered before the whole file was sent");
      }
      return response;
    } catch (e) {
      if (signal?.aborted) throw signal.reason;
      // What the body threw explains more than the broken connection that followed from it.
      const first = await writing.then(() => e, (w) => w instanceof SyncError ? w : e);
      throw networkError(first, what);
    } finally {
      clearTimeout(connectTimer);
      clearInterval(stallTimer);
      signal?.removeEventListener("abort", cancel);
    }
  }
  return {
    send,
    close() {
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}
