/** Running measurements on the hub: agents pass them on, and viewers elsewhere see what those at the PC see. */
import { type IncomingMessage, request } from "node:http";
import { assert, assertEquals } from "../../tests/assert.ts";
import { until } from "../../tests/until.ts";
import { type Env, systemEnv } from "../env.ts";
import type { LiveEvent, WireChange } from "../live/live_event.ts";
import type { LiveFeed } from "../live/live_feed.ts";
import { LiveForwarder } from "../live/live_forwarder.ts";
import { LiveSessions } from "../live/live_sessions.ts";
import { FACTS, floats, STRUCTURE } from "../live/test_run.ts";
import { platformClient } from "../platform/client.ts";
import { httpTransport } from "../platform/transport_http.ts";
import { LiveClient } from "../sdk/live_client.ts";
import { LiveModel } from "../sdk/live_model.ts";
import type { HubOptions } from "./open_hub.ts";
import { TestHub, withHub } from "./test_hub.ts";

/** An agent with its measurements, connected to a hub over HTTP. */
class TestAgent implements AsyncDisposable {
  readonly sessions = new LiveSessions({ env: systemEnv });
  readonly #client;
  readonly #forwarder: LiveForwarder;
  readonly log: string[] = [];

  constructor(url: string) {
    this.#client = platformClient({ transport: httpTransport(url), env: systemEnv });
    this.#forwarder = new LiveForwarder({
      sessions: this.sessions,
      uplink: { relay: (...batch) => this.#client.relayLive(...batch) },
      env: systemEnv,
      log: (line) => this.log.push(line),
    });
  }

  begin(dataset_uuid: string | null, name = "run"): LiveFeed {
    const feed = this.sessions.begin({ ...FACTS, dataset_uuid, live_file: "/home/me/live.hdf5" });
    feed.open({ ...STRUCTURE, name });
    return feed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forwarder.close();
    this.sessions.close();
    this.#client.close();
  }
}

const DONE = { reason: "completed", evidence: "over", complete: true } as const;

function viewer(url: string): LiveClient {
  return new LiveClient({ url: `${url}/api/v1`, pauseMs: 100 });
}

async function follow(client: LiveClient, id: string, onEvent: (event: LiveEvent) => void = () => {}) {
  const model = new LiveModel();
  for await (const event of client.events(id)) {
    model.apply(event);
    onEvent(event);
  }
  return model;
}

/** What a viewer knows is what those at the PC know. */
async function assertSameAsAt(agent: TestAgent, id: string, model: LiveModel): Promise<void> {
  const local = new LiveModel();
  for await (const message of agent.sessions.subscribe(id)) {
    local.apply(JSON.parse([...message.pieces()].join("")));
  }
  assertEquals([model.epoch, model.seq, model.end], [local.epoch, local.seq, local.end]);
  for (const [name, cells] of local.variables) {
    const other = model.variables.get(name);
    assertEquals([other?.shape, other?.values(), other?.written()], [
      cells.shape,
      cells.values(),
      cells.written(),
    ]);
  }
}

Deno.test("a viewer elsewhere sees the runs of two agents, with the same numbers", () =>
  withHub(async (hub) => {
    const server = hub.serve();
    try {
      await using one = new TestAgent(server.url);
      await using two = new TestAgent(server.url);
      const feeds = [one.begin(await hub.dataset(), "first"), two.begin(await hub.dataset(), "second")];
      const client = viewer(server.url);
      await until(async () => (await client.sessions()).length === 2);
      const views = await client.sessions();
      assertEquals(views.map((v) => v.name).sort(), ["first", "second"]);
      // Where a file lies on the PC concerns nobody elsewhere.
      assert(views.every((v) => v.live_file === null && v.source === "fridge" && v.state === "running"));
      const models = feeds.map((feed) => follow(client, feed.id));
      for (let i = 0; i < 30; i++) {
        for (const feed of feeds) {
          feed.apply([floats("x", [i], [1], [i]), floats("y", [i, 1], [1, 1], [NaN])]);
        }
        if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      feeds.forEach((feed) => feed.end(DONE));
      for (const [i, agent] of [one, two].entries()) {
        await assertSameAsAt(agent, feeds[i]?.id ?? "", await models[i] ?? new LiveModel());
      }
    } finally {
      await server.stop();
    }
  }));

Deno.test("a hub that is restarted in the middle of a run is told everything again", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hub_live_" });
  let hub = await TestHub.open(directory);
  // The address stays, as with a hub in a lab.
  let current = hub;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (r) => current.answer(r));
  try {
    await using agent = new TestAgent(`http://127.0.0.1:${server.addr.port}`);
    const feed = agent.begin(await hub.dataset());
    feed.apply([floats("x", [0], [3], [1, 2, 3])]);
    const client = viewer(`http://127.0.0.1:${server.addr.port}`);
    await until(async () => (await client.sessions()).length === 1);
    const types: string[] = [];
    const seen = Promise.withResolvers<void>();
    const model = follow(client, feed.id, ({ type }) => {
      types.push(type);
      seen.resolve();
    });
    await seen.promise;
    await hub.close();
    feed.apply([floats("x", [1], [1], [NaN]), floats("x", [3], [1], [4])]);
    current = hub = await TestHub.open(directory);
    feed.apply([floats("x", [4], [1], [5])]);
    feed.end(DONE);
    await assertSameAsAt(agent, feed.id, await model);
    assertEquals([...(await model).variables.get("x")?.values() ?? []], [1, NaN, 3, 4, 5]);
  } finally {
    await hub.close();
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
});

function batch(dataset_uuid: string | null, events: unknown[]) {
  return { facts: { ...FACTS, dataset_uuid }, events };
}

/** Events as an agent's stream has them. */
function recorded(
  dataset_uuid: string,
  changes: WireChange[],
): { id: string; epoch: string; events: LiveEvent[] } {
  const sessions = new LiveSessions({ env: systemEnv });
  try {
    const feed = sessions.begin({ ...FACTS, dataset_uuid });
    feed.open(STRUCTURE);
    feed.apply(changes);
    const reader = sessions.subscribe(feed.id, { after: 0 });
    const events: LiveEvent[] = [];
    for (let m = reader.ready(); m; m = reader.ready()) events.push(JSON.parse([...m.pieces()].join("")));
    return { id: feed.id, epoch: feed.view.epoch, events };
  } finally {
    sessions.close();
  }
}

Deno.test("batches that come twice change nothing; what is missing is asked for", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset();
    const { id, epoch, events } = recorded(uuid, [floats("x", [0], [1], [1]), floats("x", [0], [1], [2])]);
    const path = `/api/v1/live/sessions/${id}`;
    const send = (sent: unknown[]) => hub.expect(200, "POST", path, batch(uuid, sent));
    assertEquals(await send([]), { epoch: null, seq: 0 });
    await hub.expect(404, "GET", path);
    // Without the beginning nothing can be made of it.
    assertEquals(await send(events.slice(1)), { epoch: null, seq: 0 });
    assertEquals(await send(events.slice(0, 2)), { epoch, seq: 2 });
    assertEquals(await send(events.slice(0, 2)), { epoch, seq: 2 });
    assertEquals(await send(events.slice(3)), { epoch, seq: 2 });
    assertEquals(await send(events.slice(1)), { epoch, seq: 4 });
    assertEquals(await send([{ ...events[3], epoch: "another", seq: 5 }]), { epoch, seq: 4 });
    await hub.expect(422, "POST", path, batch(uuid, [{ ...events[3], seq: 5, var: "nowhere" }]));
    // A snapshot in parts is seen once it is whole.
    const head = {
      ...events[0],
      type: "snapshot",
      seq: 9,
      state: "stalled",
      patches: [],
      more: true,
    };
    const part = { type: "snapshot_part", epoch, seq: 9 };
    assertEquals(await send([head]), { epoch: null, seq: 0 });
    const { type: _, ...block } = floats("x", [0], [2], [7, 8]);
    assertEquals(await send([{ ...part, patches: [block], last: false }]), { epoch: null, seq: 0 });
    assertEquals(await send([{ ...part, patches: [], last: true }]), { epoch, seq: 9 });
    assertEquals(
      await hub.expect(200, "GET", path).then((v) => JSON.stringify(v).includes('"stalled"')),
      true,
    );
  }));

Deno.test("a snapshot that is longer than a batch arrives whole", () =>
  withHub(async (hub) => {
    const server = hub.serve();
    try {
      await using agent = new TestAgent(server.url);
      const feed = agent.begin(null);
      const values = Array.from({ length: 500_000 }, (_, i) => i);
      feed.apply([floats("x", [0], [values.length], values)]);
      feed.update({ dataset_uuid: await hub.dataset() });
      const client = viewer(server.url);
      await until(async () => (await client.sessions()).length === 1);
      const model = follow(client, feed.id);
      feed.end(DONE);
      await assertSameAsAt(agent, feed.id, await model);
    } finally {
      await server.stop();
    }
  }));

/** Status of a request with any headers, also of a handshake. */
function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers });
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

const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

Deno.test("who may not read a dataset does not see it being measured", async () => {
  let known = true;
  const options: Partial<HubOptions> = {
    authenticate: ({ headers }) => {
      if (!known || headers.get("authorization") === "Bearer stranger") return null;
      const now = "2026-03-01T12:00:00.000000+00:00";
      const name = { firstname: "", lastname: "", email: null };
      return { sub: "viewer", ...name, role: "admin", is_enabled: true, created: now, modified: now };
    },
  };
  await withHub(async (hub) => {
    const uuid = await hub.dataset();
    const { id, events } = recorded(uuid, []);
    const base = "/api/v1/live/sessions";
    await hub.expect(409, "POST", `${base}/${id}`, batch(crypto.randomUUID(), events));
    await hub.expect(409, "POST", `${base}/${id}`, batch(null, events));
    await hub.expect(200, "POST", `${base}/${id}`, batch(uuid, events));
    const server = hub.serve();
    try {
      const url = `${server.url}${base}/${id}/events`;
      assertEquals(await statusOf(url, {}), 200);
      assertEquals(await statusOf(url, HANDSHAKE), 101);
      for (const origin of ["https://evil.example", "null"]) {
        assertEquals(await statusOf(url, { origin }), 403);
        assertEquals(await statusOf(url, { ...HANDSHAKE, origin }), 403);
      }
      assertEquals(await statusOf(url, { authorization: "Bearer stranger" }), 401);
      assertEquals(await statusOf(url, { ...HANDSHAKE, authorization: "Bearer stranger" }), 401);
      await hub.expect(200, "DELETE", `/api/v2/dataset/?dataset_uuid=${uuid}`);
      for (const path of [`${base}/${id}`, `${base}/${id}/events`]) await hub.expect(404, "GET", path);
      assertEquals(await hub.expect(200, "GET", base), []);
      assertEquals(await statusOf(url, HANDSHAKE), 404);
      await hub.expect(409, "POST", `${base}/${id}`, batch(uuid, events));
      known = false;
      for (const path of [base, `${base}/${id}`]) await hub.expect(401, "GET", path);
    } finally {
      await server.stop();
    }
  }, options);
});

Deno.test("a run whose agent vanished is stalled, then lost, and comes back with its agent", async () => {
  let clock = Date.now();
  const env: Env = { ...systemEnv, now: () => clock };
  await withHub(async (hub) => {
    const uuid = await hub.dataset();
    const { id, epoch, events } = recorded(uuid, []);
    const path = `/api/v1/live/sessions/${id}`;
    await hub.expect(200, "POST", path, batch(uuid, events));
    const state = async () => {
      const text = JSON.stringify(await hub.expect(200, "GET", path));
      return /"state":"(\w+)"/.exec(text)?.[1];
    };
    assertEquals(await state(), "running");
    clock += 61_000;
    assertEquals(await state(), "stalled");
    await hub.expect(200, "POST", path, batch(uuid, []));
    assertEquals(await state(), "running");
    clock += 10 * 60_000 + 1000;
    assertEquals(await state(), "ended");
    assertEquals(await hub.expect(200, "POST", path, batch(uuid, [])), { epoch: null, seq: 0 });
    await hub.expect(200, "POST", path, batch(uuid, events));
    assertEquals(await state(), "running");
    assertEquals(await hub.expect(200, "POST", path, batch(uuid, [])), { epoch, seq: 1 });
  }, { env });
});
