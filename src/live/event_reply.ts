/** A session's events over HTTP: as server-sent events, or as text frames of a WebSocket. */
import { SyncError } from "../kit/errors.ts";
import type { LiveSessions } from "./live_sessions.ts";
import { type LiveMessage, type LiveSubscription, type Position, textOf } from "./subscription.ts";

/** Bytes that are handed over at once. */
const CHUNK = 64 * 1024;
/** Bytes that may wait in a socket. */
const SOCKET_WAITING = 1024 * 1024;
/** Pause of a socket whose reader is slow, ms. */
const SOCKET_PAUSE_MS = 20;
/** A longer snapshot makes no frame: clients could not take it as one text. */
const LONGEST_FRAME = 256 * 1024 * 1024;

/**
 * Answers `GET …/events?epoch=&after=`. A session of which everything is known already gets 204, which tells browsers
 * not to come back.
 * @param closing ends the stream
 * @throws SyncError `live_session_not_found`, `live_session_over`, `live_position_invalid`, `live_readers_too_many`
 */
export function eventReply(
  sessions: LiveSessions,
  id: string,
  request: Request,
  closing: AbortSignal,
): Response {
  const position = positionOf(request);
  const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
  const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-store" };
  const subscription = sessions.subscribe(id, position, closing);
  if (isSocket) return socketReply(request, subscription);
  const first = subscription.ready();
  if (!first && subscription.over || request.method === "HEAD") {
    subscription.cancel();
    return new Response(null, request.method === "HEAD" ? { headers } : { status: 204 });
  }
  return new Response(eventStream(subscription, first), { headers });
}

/** What a browser that comes back says is newer than its address. */
function positionOf(request: Request): Position {
  const query = new URL(request.url).searchParams;
  const last = /^(.+):(\d+)$/.exec(request.headers.get("last-event-id") ?? "");
  if (last) return { epoch: last[1], after: Number(last[2]) };
  const [epoch, after] = [query.get("epoch") || undefined, query.get("after") || undefined];
  if (after !== undefined && !/^\d{1,15}$/.test(after)) {
    throw new SyncError(
      "usage",
      "live_position_invalid",
      `after is "${after}", which is no number of an event`,
      {
        hint: "Give the seq of the last event that is known, or leave it out.",
      },
    );
  }
  return { epoch, after: after === undefined ? undefined : Number(after) };
}

function eventStream(
  subscription: LiveSubscription,
  first: LiveMessage | undefined,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let text: Iterator<string> | undefined = first ? eventText(first) : undefined;
  // Browsers come back after this time; it is sent at once, so that clients see that somebody is there.
  let pending = "retry: 1000\n\n";
  return new ReadableStream({
    async pull(controller) {
      while (pending.length < CHUNK) {
        const piece = text?.next();
        if (piece && !piece.done) {
          pending += piece.value;
          continue;
        }
        text = undefined;
        const message = subscription.ready() ?? (pending === "" ? await subscription.next() : undefined);
        if (!message) break;
        text = eventText(message);
      }
      if (pending === "") return controller.close();
      controller.enqueue(encoder.encode(pending));
      pending = "";
    },
    cancel: () => subscription.cancel(),
  }, { highWaterMark: 0 });
}

function* eventText(message: LiveMessage): Generator<string> {
  yield `id: ${message.epoch}:${message.seq}\nevent: ${message.type}\ndata: `;
  yield* message.pieces();
  yield "\n\n";
}

/** @throws SyncError `live_position_invalid` when the request is no handshake */
function socketReply(request: Request, subscription: LiveSubscription): Response {
  let upgrade: Deno.WebSocketUpgrade;
  try {
    upgrade = Deno.upgradeWebSocket(request);
  } catch (cause) {
    subscription.cancel();
    throw new SyncError("usage", "live_position_invalid", "this is no handshake of a WebSocket", { cause });
  }
  const { socket, response } = upgrade;
  socket.onopen = () => void sendAll(socket, subscription);
  socket.onclose = socket.onerror = () => subscription.cancel();
  return response;
}

async function sendAll(socket: WebSocket, subscription: LiveSubscription): Promise<void> {
  const isOpen = () => socket.readyState === WebSocket.OPEN;
  try {
    for await (const message of subscription) {
      while (isOpen() && socket.bufferedAmount > SOCKET_WAITING) {
        await new Promise((resolve) => setTimeout(resolve, SOCKET_PAUSE_MS));
      }
      if (!isOpen()) return;
      const text = textOf(message);
      if (text.length > LONGEST_FRAME) {
        return socket.close(1009, "the snapshot is too long: read it as server-sent events");
      }
      socket.send(text);
    }
    if (isOpen()) socket.close(1000, "the session has ended");
  } catch (e) {
    if (isOpen()) socket.close(1011, String(e).slice(0, 100));
  }
}
