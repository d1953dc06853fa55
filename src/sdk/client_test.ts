/** The client against the real API, and against what else may sit on its port. */
import { startLocalApi } from "../api/start_local_api.ts";
import { TestApi } from "../api/test_api.ts";
import { SyncError } from "../kit/errors.ts";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { SyncClient } from "./client.ts";

async function withApi(
  work: (client: SyncClient, test: TestApi, close: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await using test = await TestApi.open();
  const { agent, serving, root } = test;
  const tokenPath = `${root}/home/api.token`;
  const api = await startLocalApi({ agent, serving, host: "127.0.0.1", port: 0, tokenPath });
  const token = (await Deno.readTextFile(tokenPath)).trim();
  try {
    await work(new SyncClient({ url: api.url, token }), test, () => api.close());
  } finally {
    await api.close();
  }
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  const e = await assertRejects(work);
  assert(e instanceof SyncError, String(e));
  assert(e.hint !== "", "an error says what to do");
  return e.code;
}

Deno.test("status, activity, errors and failed items", () =>
  withApi(async (client, { agent }) => {
    assertEquals((await client.status()).version, "1.2.3");
    assertEquals((await client.activity()).status.state, "running");
    const failure = new SyncError("network", "dns_failed", "no such host", { hint: "Look at the cable." });
    agent.catalog.errors.add(null, failure.toData(), 1, Date.now());
    assertEquals((await client.errors({ viewed: false })).map((e) => [e.log_exception, e.log_context]), [
      ["dns_failed: no such host", "Look at the cable."],
    ]);
    assertEquals(await client.errors({ viewed: true }), []);
    assertEquals(await client.failedItems(), []);
  }));

Deno.test("activities come as they change, and end with the agent", () =>
  withApi(async (client, { serving }, close) => {
    const seen: number[] = [];
    for await (const a of client.activities()) {
      seen.push(a.bytes_uploaded);
      if (a.bytes_uploaded < 3) serving.bytes_uploaded++;
      else await close();
    }
    assertEquals(seen, [0, 1, 2, 3]);
  }));

Deno.test("activities end without an error when the caller has enough", () =>
  withApi(async (client) => {
    const enough = new AbortController();
    for await (const _ of client.activities(enough.signal)) enough.abort();
    for await (const _ of client.activities()) break;
  }));

Deno.test("a proxy in the environment is not asked for this machine", () =>
  withApi(async ({ url }) => {
    const { status } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { SyncClient } from ${JSON.stringify(new URL("./client.ts", import.meta.url).href)};
         await new SyncClient({ url: ${JSON.stringify(url)} }).status();`,
      ],
      env: { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
      stderr: "null",
    }).spawn();
    assertEquals((await status).code, 0);
  }));

Deno.test("nothing there, silence, and other programs' answers are told apart", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const client = new SyncClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 50, silenceMs: 50 });
  // It takes the connection and says nothing.
  assertEquals(await codeOf(() => client.status()), "agent_unreachable");
  assertEquals(await codeOf(() => client.activities().next()), "agent_unreachable");
  listener.close();
  assertEquals(await codeOf(() => client.status()), "agent_unreachable");

  let answer = () => new Response("<html>");
  await using other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => answer());
  const odd = new SyncClient({ url: `http://127.0.0.1:${other.addr.port}` });
  assertEquals(await codeOf(() => odd.status()), "agent_differs");
  answer = () => Response.json({ sync_agent_status: "running" });
  assertEquals(await codeOf(() => odd.status()), "agent_differs");
  answer = () => new Response("<html>", { status: 500 });
  assertEquals(await codeOf(() => odd.status()), "agent_differs");
  answer = () =>
    Response.json({ error: "token_required", detail: "no", hint: "Give the token." }, { status: 401 });
  assertEquals(await codeOf(() => odd.status()), "token_required");
});
