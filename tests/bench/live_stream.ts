/**
 * How fast events go from a feed to subscribers on this machine, and how long each takes:
 * `deno run -A tests/bench/live_stream.ts`. Subscribers are in a worker thread, over real HTTP.
 */
import { systemEnv } from "../../src/env.ts";
import { eventReply } from "../../src/live/event_reply.ts";
import { LiveSessions } from "../../src/live/live_sessions.ts";
import { FACTS, floats } from "../../src/live/test_run.ts";
import { eventData } from "../../src/sdk/event_stream.ts";
import { getByFetch } from "../../src/sdk/reply.ts";

/** ms on a clock that all threads share. */
const now = () => performance.timeOrigin + performance.now();

interface Report {
  events: number;
  last: number;
  latencies: number[];
}

/** Follows, and notes how old the time is that each patch holds. */
async function subscriber(url: string): Promise<Report> {
  const report: Report = { events: 0, last: 0, latencies: [] };
  const { body } = await getByFetch(url, {}, new AbortController().signal);
  for await (const data of eventData(body)) {
    const event = JSON.parse(data);
    report.events += event.type === "snapshot" ? 0 : event.seq - (event.seq_from ?? event.seq) + 1;
    if (event.type === "patch") {
      const times = new Float64Array(Uint8Array.fromBase64(event.data).buffer);
      report.latencies.push(now() - (times.at(-1) ?? 0));
    }
    report.last = now();
    if (event.type === "end") break;
  }
  return report;
}

function quantile(sorted: readonly number[], q: number): string {
  return (sorted[Math.floor(q * (sorted.length - 1))] ?? NaN).toFixed(2);
}

async function measure(subscribers: number, events: number, perSecond: number): Promise<void> {
  const sessions = new LiveSessions({ env: systemEnv });
  const closing = new AbortController();
  const feed = sessions.begin(FACTS);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => eventReply(sessions, feed.id, request, closing.signal),
  );
  const plain = { units: null, long_name: null, depends_on: [] };
  feed.open({
    name: "bench",
    attrs: {},
    variables: [{ ...plain, name: "y", dtype: "f8", dims: ["t"], shape: [events], role: "measured" }],
  });
  const worker = new Worker(import.meta.url, { type: "module" });
  const { port1, port2 } = new MessageChannel();
  const done = new Promise<Report[]>((resolve) => port1.onmessage = ({ data }) => resolve(data));
  worker.postMessage({ url: `http://127.0.0.1:${server.addr.port}/${feed.id}`, subscribers }, [port2]);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const begun = now();
  for (let i = 0; i < events;) {
    const due = perSecond === Infinity ? i + 200 : (now() - begun) / 1000 * perSecond;
    for (; i < Math.min(due, events); i++) feed.apply([floats("y", [i], [1], [now()])]);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const fed = now() - begun;
  feed.end({ reason: "completed", evidence: "all", complete: true });
  const reports = await done;
  const all = reports.flatMap((r) => r.latencies).sort((a, b) => a - b);
  const took = Math.max(...reports.map((r) => r.last)) - begun;
  const received = reports.reduce((n, r) => n + r.events, 0) / subscribers;
  console.log(
    `${subscribers} subscribers, ${perSecond} events/s asked: fed ${Math.round(events / fed * 1000)}/s, ` +
      `received ${Math.round(received / took * 1000)}/s each, ` +
      `p50 ${quantile(all, 0.5)} ms, p99 ${quantile(all, 0.99)} ms, max ${quantile(all, 1)} ms`,
  );
  worker.terminate();
  port1.close();
  closing.abort();
  await server.shutdown();
  sessions.close();
}

if ("WorkerGlobalScope" in globalThis) {
  self.addEventListener("message", async (message) => {
    if (!(message instanceof MessageEvent)) return;
    const { url, subscribers } = message.data;
    message.ports[0]?.postMessage(
      await Promise.all(Array.from({ length: subscribers }, () => subscriber(url))),
    );
  });
} else {
  for (const subscribers of [1, 10]) {
    await measure(subscribers, 5_000, 1_000);
    await measure(subscribers, 100_000, Infinity);
  }
}
