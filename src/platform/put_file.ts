/** Sends a file body with its exact length and finds out soon when the other side is gone. */
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import process from "node:process";
import { SyncError } from "../kit/errors.ts";
import { networkError, timeoutError } from "./errors.ts";
import { readReply } from "./node_reply.ts";
import { type ProxyEnvironment, PutAgents } from "./put_agents.ts";
import { type StallLimits, StallWatch } from "./stall_watch.ts";
import type { FileBody } from "./transport.ts";

export interface PutLimits extends StallLimits {
  /** Longest time to a usable connection, TLS included, ms. */
  connectMs: number;
}

/** Unless said otherwise (U8). */
export const PUT_LIMITS: PutLimits = {
  connectMs: 10_000,
  stallMs: 30_000,
  floorBytesPerS: 10_000,
  floorWindowMs: 60_000,
};

/** Chunks are sent in pieces that even a link at the floor speed finishes well within the stall limit. */
const PIECE = 128 * 1024;
/** What the system's send buffer may still hold when the last byte was handed over. */
const SEND_BUFFER = 1024 * 1024;

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

interface Watched {
  /** Bytes were handed over. */
  progress(bytes: number): void;
  /** The whole body was handed over; the reply is waited for. */
  allSent(): void;
  stop(): void;
}

/** Gives a request up, by `giveUp`, when it does not connect, stalls, or is not answered (U8). */
function watch(
  request: http.ClientRequest,
  put: PutRequest,
  limits: PutLimits,
  giveUp: (e: unknown) => void,
): Watched {
  const { what, body } = put;
  // It stands still while a limit of bandwidth holds the body back: many slow uploads at once are not stalled.
  const clock = () => performance.now() - (body.heldBackMs?.() ?? 0);
  const stall = new StallWatch(limits, clock());
  let sentAt: number | null = null;
  // After the last byte the send buffer may still drain at floor speed before the server can answer.
  const replyMs = limits.stallMs + Math.min(body.size, SEND_BUFFER) / limits.floorBytesPerS * 1000;
  const connecting = setTimeout(
    () => giveUp(timeoutError(`${what}: connecting`, limits.connectMs)),
    limits.connectMs,
  );
  const moving = setInterval(() => {
    const now = clock();
    if (sentAt === null ? stall.stalled(now) : now - sentAt >= replyMs) {
      giveUp(timeoutError(what, limits.stallMs));
    }
  }, Math.min(1000, limits.stallMs / 4));
  request.on("socket", (socket: Socket) => {
    const connected = () => clearTimeout(connecting);
    if (socket.connecting) {
      socket.once(put.url.protocol === "https:" ? "secureConnect" : "connect", connected);
    } else connected();
  });
  return {
    progress: (bytes) => stall.progress(bytes, clock()),
    allSent: () => void (sentAt = clock()),
    stop() {
      clearTimeout(connecting);
      clearInterval(moving);
    },
  };
}

function replyTo(request: http.ClientRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    let answered = false;
    request.on("response", (reply: http.IncomingMessage) => {
      answered = true;
      readReply(reply).then(resolve, reject);
    });
    request.on("error", reject);
    request.on("close", () => answered || reject(new Error("connection closed before the reply")));
  });
}

/** Makes a sender with its own keep-alive connections. */
export function filePutter(
  overrides: Partial<PutLimits> = {},
  proxyEnv: ProxyEnvironment = process.env,
): FilePutter {
  const limits = { ...PUT_LIMITS, ...overrides };
  const kept = new PutAgents(proxyEnv);

  function open(put: PutRequest): http.ClientRequest {
    const agents = kept.for(put.url);
    const options = { method: put.method, headers: { ...put.headers, "Content-Length": put.body.size } };
    if (put.url.protocol === "http:") return http.request(put.url, { ...options, agent: agents.http });
    if (put.url.protocol === "https:") return https.request(put.url, { ...options, agent: agents.https });
    throw new SyncError(
      "platform",
      "invalid_reply",
      `${put.what}: unusable upload link (${put.url.protocol})`,
      {
        hint: "The platform gave a link that is no web address: tell its administrator.",
      },
    );
  }

  async function send(put: PutRequest): Promise<Response> {
    const { body, what, signal } = put;
    signal?.throwIfAborted();
    const request = open(put);
    const giveUp = (reason: unknown) =>
      request.destroy(reason instanceof Error ? reason : new Error(String(reason)));
    const cancel = () => giveUp(signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });
    const watched = watch(request, put, limits, giveUp);
    const reply = replyTo(request);
    let sent = 0;
    const writing = writeBody(request, body, reply, (bytes) => {
      sent += bytes;
      watched.progress(bytes);
      put.onProgress?.(sent);
    });
    writing.then(watched.allSent, giveUp);
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
      watched.stop();
      signal?.removeEventListener("abort", cancel);
    }
  }
  return {
    send,
    close: () => kept.close(),
  };
}
