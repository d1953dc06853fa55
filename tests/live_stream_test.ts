import { systemEnv } from "../src/env.ts";
import { eventReply } from "../src/live/event_reply.ts";
import { LiveEvent } from "../src/live/live_event.ts";
import { LiveSessions } from "../src/live/live_sessions.ts";
import { FACTS, floats, STRUCTURE } from "../src/live/test_run.ts";
import { eventData } from "../src/sdk/event_stream.ts";
import { LiveModel } from "../src/sdk/live_model.ts";
import { assert, assertEquals } from "./assert.ts";
import { faultyRun } from "./live_stream_faults.ts";

Deno.test("connections that break all the time lose, double and reorder nothing", async () => {
  const report = await faultyRun({ updates: 6_000, burst: 200, cutAfter: 200_000, readers: [0, 30] });
  assert(report.cuts > 2, `${report.cuts} cuts`);
});

Deno.test("a reader that stops reading holds up nobody, costs little, and is brought up to date", async () => {
  const sessions = new LiveSessions({ env: systemEnv, window: { events: 10_000, bytes: 8 << 20 } });
  const closing = new AbortController();
  const feed = sessions.begin(FACTS);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => eventReply(sessions, feed.id, request, closing.signal),
  );
  try {
    feed.open({ ...STRUCTURE, variables: STRUCTURE.variables.slice(0, 1) });
    const url = `http://127.0.0.1:${server.addr.port}/?after=0`;
    const socket = new WebSocket(url.replace("http", "ws"));
    const closed = new Promise((resolve) => socket.onclose = resolve);
    const opened = new Promise((resolve) => socket.onopen = resolve);
    const [response] = await Promise.all([fetch(url), opened]);
    // Much more than sockets hold.
    const block = Array.from({ length: 20_000 }, (_, i) => i);
    for (let i = 0; i < 300; i++) {
      feed.apply([floats("x", [20_000 * (i % 5)], [20_000], block.map((v) => v + i))]);
    }
    feed.end({ reason: "completed", evidence: "over", complete: true });

    const model = new LiveModel();
    let told = 0;
    for await (const data of eventData(response.body ?? new ReadableStream())) {
      told++;
      model.apply(LiveEvent.parse(JSON.parse(data)));
    }
    assert(told < feed.view.seq - 100, `${told} events were kept for it`);
    assertEquals([model.seq, model.end?.reason], [feed.view.seq, "completed"]);
    const expected = [295, 296, 297, 298, 299].flatMap((i) => block.map((v) => v + i));
    assertEquals([...model.variables.get("x")?.values() ?? []], expected);
    socket.close();
    await closed;
  } finally {
    closing.abort();
    sessions.close();
  }
});
