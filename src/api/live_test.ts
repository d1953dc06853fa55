/** Running measurements over the real API: listed, streamed and replayed, for nobody but the agent's own user. */
import { type IncomingMessage, request } from "node:http";
import { assert, assertEquals } from "../../tests/assert.ts";
import { LiveEvent, LiveSessionView } from "../live/live_event.ts";
import { FACTS, floats, STRUCTURE } from "../live/test_run.ts";
import type { LiveFeed } from "../live/live_feed.ts";
import { startLocalApi } from "./start_local_api.ts";
import { TestApi } from "./test_api.ts";

interface Running {
  url: string;
  port: number;
  test: TestApi;
  feed: LiveFeed;
  close(): Promise<void>;
}

async function withRun(work: (running: Running) => Promise<void>): Promise<void> {
  await using test = await TestApi.open();
  const { agent, serving, root } = test;
  const tokenPath = `${root}/home/api.token`;
  const api = await startLocalApi({ agent, serving, host: "127.0.0.1", port: 0, tokenPath });
  const feed = serving.live.begin(FACTS);
  feed.open(STRUCTURE);
  feed.apply([floats("x", [0], [2], [1, 2])]);
  const close = () => api.close();
  try {
    await work({ url: `${api.url}/api/v1/live/sessions`, port: api.port, test, feed, close });
  } finally {
    await close();
  }
}

interface Sent {
  id: string;
  event: string;
  data: LiveEvent;
}

/** Server-sent events of a response until there are so many, or it ends. */
async function sent(response: Response, most: number): Promise<Sent[]> {
  const found: Sent[] = [];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader && found.length < most) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      const match = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(part);
      if (!match) continue;
      const [, id = "", event = "", data = ""] = match;
      found.push({ id, event, data: LiveEvent.parse(JSON.parse(data)) });
    }
  }
  await reader?.cancel();
  return found;
}

Deno.test("a running measurement is listed, and followed from a snapshot on", () =>
  withRun(async ({ url, feed }) => {
    const list = LiveSessionView.array().parse(await (await fetch(url)).json());
    assertEquals(list.map((s) => [s.id, s.seq, s.state, s.source, s.item_id, s.name]), [
      [feed.id, 3, "running", "fridge", 7, STRUCTURE.name],
    ]);
    const one = LiveSessionView.parse(await (await fetch(`${url}/${feed.id}`)).json());
    assertEquals(one, list[0]);

    const response = await fetch(`${url}/${feed.id}/events`);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    feed.apply([floats("x", [1], [1], [5])]);
    feed.end({ reason: "completed", evidence: "over", complete: true });
    const events = await sent(response, Infinity);
    assertEquals(events.map(({ id, event, data }) => [id, event, data.seq]), [
      [`${one.epoch}:3`, "snapshot", 3],
      [`${one.epoch}:4`, "patch", 4],
      [`${one.epoch}:5`, "end", 5],
    ]);
  }));

Deno.test("who comes back says where it was: in the address, or as browsers do", () =>
  withRun(async ({ url, feed }) => {
    const { epoch } = feed.view;
    const events = `${url}/${feed.id}/events`;
    const asked = await sent(await fetch(`${events}?epoch=${epoch}&after=1`), 2);
    assertEquals(asked.map((e) => e.event), ["extent", "patch"]);
    // The browser repeats the address of the first time; what it says beside it is newer.
    const headers = { "Last-Event-ID": `${epoch}:2` };
    const again = await sent(await fetch(`${events}?epoch=${epoch}&after=0`, { headers }), 1);
    assertEquals(again.map((e) => [e.event, e.data.seq]), [["patch", 3]]);
    feed.end({ reason: "completed", evidence: "over", complete: true });
    const over = await fetch(`${events}?epoch=${epoch}&after=4`);
    assertEquals([over.status, await over.text()], [204, ""]);
  }));

Deno.test("the same JSON comes as frames of a WebSocket", () =>
  withRun(async ({ url, feed }) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/${feed.id}/events?after=0`);
    const frames: LiveEvent[] = [];
    const closed = Promise.withResolvers<number>();
    socket.onmessage = ({ data }) => {
      frames.push(LiveEvent.parse(JSON.parse(data)));
      if (frames.length === 3) feed.end({ reason: "lost", evidence: "the file is gone", complete: false });
    };
    socket.onclose = ({ code }) => closed.resolve(code);
    assertEquals(await closed.promise, 1000);
    assertEquals(frames.map((e) => e.type), ["open", "extent", "patch", "end"]);
  }));

Deno.test("what is not there is said in the words of the API", () =>
  withRun(async ({ url, feed, test }) => {
    const refused = async (path: string) => {
      const response = await fetch(url + path);
      const { error } = await response.json();
      return [response.status, error];
    };
    for (const path of ["/nobody", "/nobody/events"]) {
      assertEquals(await refused(path), [404, "live_session_not_found"]);
    }
    assertEquals(await refused(`/${feed.id}/events?after=soon`), [422, "live_position_invalid"]);
    const [head] = await Promise.all([fetch(`${url}/${feed.id}/events`, { method: "HEAD" })]);
    assertEquals(head.status, 200);
    // Without a socket behind it, a handshake is refused like any other wrong request.
    const handshake = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13" };
    const path = `/api/v1/live/sessions/${feed.id}/events`;
    const bare = await test.send("GET", path, { headers: handshake });
    assertEquals(bare.status, 422);
    await bare.body?.cancel();
  }));

/** Status of a request with any headers, also of a handshake. */
function statusOf(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, headers });
    call.on("response", (answer: IncomingMessage) => {
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    });
    call.on("upgrade", (_answer: IncomingMessage, socket: { destroy(): void }) => {
      resolve(101);
      socket.destroy();
    });
    call.on("error", reject);
    call.end();
  });
}

Deno.test("pages of others read neither the list nor a stream nor a socket", () =>
  withRun(async ({ port, feed }) => {
    const own = `localhost:${port}`;
    const socket = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const base = "/api/v1/live/sessions";
    const foreign: Record<string, string>[] = [
      { host: own, origin: "https://evil.example" },
      { host: own, origin: "null" },
      { host: own, origin: `http://localhost:${port + 1}` },
      { host: own, "sec-fetch-site": "cross-site" },
      { host: own, referer: "https://evil.example/page" },
      { host: `rebound.example:${port}` },
    ];
    for (const path of [base, `${base}/${feed.id}`, `${base}/${feed.id}/events`]) {
      for (const headers of foreign) assertEquals(await statusOf(port, path, headers), 403);
      assertEquals(await statusOf(port, path, { host: own, origin: `http://${own}` }), 200);
    }
    const events = `${base}/${feed.id}/events`;
    for (const headers of foreign) assertEquals(await statusOf(port, events, { ...socket, ...headers }), 403);
    assertEquals(await statusOf(port, events, { ...socket, host: own, origin: `http://${own}` }), 101);
  }));

Deno.test("streams and sockets end with the API, although the measurement goes on", () =>
  withRun(async ({ url, feed, close }) => {
    const response = await fetch(`${url}/${feed.id}/events`);
    const socket = new WebSocket(`${url.replace("http", "ws")}/${feed.id}/events`);
    const first = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    socket.onmessage = () => first.resolve();
    socket.onclose = () => closed.resolve();
    await first.promise;
    const events = sent(response, Infinity);
    await close();
    await closed.promise;
    assertEquals((await events).map((e) => e.event), ["snapshot"]);
    assert(feed.view.end === null);
  }));
