import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { eventReply } from "../live/event_reply.ts";
import { LiveSessions } from "../live/live_sessions.ts";
import { FACTS, floats, STRUCTURE } from "../live/test_run.ts";
import { LiveClient } from "./live_client.ts";
import { LiveModel } from "./live_model.ts";

/** An agent that can be restarted: its sessions are then others. */
class TestAgent implements AsyncDisposable {
  sessions = new LiveSessions({ env: systemEnv });
  #server: Deno.HttpServer<Deno.NetAddr>;
  #closing = new AbortController();

  constructor() {
    this.#server = this.#serve(0);
  }

  get client(): LiveClient {
    return new LiveClient({ url: `http://127.0.0.1:${this.#server.addr.port}`, pauseMs: 50, missingMs: 0 });
  }

  async stop(): Promise<number> {
    const { port } = this.#server.addr;
    this.#closing.abort();
    await this.#server.shutdown();
    return port;
  }

  /** The same process, or another one. */
  async restart(keepSessions: boolean): Promise<void> {
    const port = await this.stop();
    if (!keepSessions) {
      this.sessions.close();
      this.sessions = new LiveSessions({ env: systemEnv });
    }
    this.#closing = new AbortController();
    this.#server = this.#serve(port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.sessions.close();
  }

  #serve(port: number) {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, (request) => {
      const [, , , id, events] = new URL(request.url).pathname.split("/");
      try {
        if (id === undefined) return Response.json(this.sessions.list());
        if (events === undefined) return Response.json(this.sessions.view(id));
        return eventReply(this.sessions, id, request, this.#closing.signal);
      } catch (e) {
        const { code, message } = SyncError.from(e);
        return Response.json({ error: code, detail: message }, { status: 404 });
      }
    });
  }
}

Deno.test("a session is found, followed into a model, and goes on after a break where it was", async () => {
  await using agent = new TestAgent();
  const feed = agent.sessions.begin(FACTS);
  feed.open(STRUCTURE);
  feed.apply([floats("x", [0], [2], [1, NaN])]);
  const { client } = agent;
  assertEquals((await client.sessions()).map((s) => s.id), [feed.id]);
  assertEquals((await client.session(feed.id)).seq, 3);
  const model = new LiveModel();
  const types: string[] = [];
  for await (const event of client.events(feed.id)) {
    model.apply(event);
    types.push(event.type);
    if (types.length === 1) {
      await agent.restart(true);
      feed.apply([floats("y", [1, 0], [1, 3], [7, 8, 9])]);
      feed.end({ reason: "completed", evidence: "over", complete: true });
    }
  }
  assertEquals(types, ["snapshot", "extent", "patch", "end"]);
  assertEquals([...model.variables.get("x")?.values() ?? []], [1, NaN]);
  assertEquals([...model.variables.get("y")?.written() ?? []], [0, 0, 0, 1, 1, 1]);
  assertEquals(model.end?.complete, true);
  // Everything is known: nothing comes, and nothing is waited for.
  const again = client.events(feed.id, { from: { epoch: model.epoch, seq: model.seq } });
  assertEquals((await again.next()).done, true);
});

Deno.test("a session that is gone with its agent ends in an error, one that nobody knows at once", async () => {
  await using agent = new TestAgent();
  const feed = agent.sessions.begin(FACTS);
  feed.open(STRUCTURE);
  const code = async (work: () => Promise<unknown>) => {
    const e = await assertRejects(work);
    return e instanceof SyncError ? e.code : e;
  };
  const events = agent.client.events(feed.id);
  assertEquals((await events.next()).value?.type, "snapshot");
  const next = code(() => events.next());
  await agent.restart(false);
  assertEquals(await next, "live_session_not_found");
  assertEquals(await code(() => agent.client.events("nobody").next()), "live_session_not_found");
  assertEquals(await code(() => agent.client.session("nobody")), "live_session_not_found");
  const { client } = agent;
  await agent.stop();
  assertEquals(await code(() => client.events(feed.id).next()), "agent_unreachable");
});

Deno.test("following ends when the caller has enough", async () => {
  await using agent = new TestAgent();
  const feed = agent.sessions.begin(FACTS);
  feed.open(STRUCTURE);
  const enough = new AbortController();
  for await (const event of agent.client.events(feed.id, { signal: enough.signal })) {
    assertEquals(event.type, "snapshot");
    enough.abort();
  }
  for await (const _ of agent.client.events(feed.id)) break;
  assert(feed.view.end === null);
});
