import { assert, assertEquals, assertMatch, assertRejects } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { platformClient } from "./client.ts";
import { ReplyError } from "./errors.ts";
import { cutAfter, reply, silence, STUB_SCOPE, StubPlatform, webPage } from "./testing/stub_platform.ts";
import { httpTransport } from "./transport_http.ts";

const UUID = "aaaaaaaa-0000-4000-8000-000000000001";
const OTHER = "aaaaaaaa-0000-4000-8000-000000000002";
const dataset = {
  uuid: UUID,
  alt_uid: "run-1",
  collected: "2024-11-06T14:21:30.000000+00:00",
  name: "Run",
  creator: "ada",
  keywords: ["a"],
  ranking: 0,
  scope_uuid: STUB_SCOPE,
  attributes: { sample: "S1" },
};

async function withStub(
  test: (
    stub: StubPlatform,
    client: ReturnType<typeof platformClient>,
    pauses: number[],
  ) => Promise<void>,
  options: { timeoutMs?: number; now?: () => number } = {},
): Promise<void> {
  const stub = await StubPlatform.start();
  const pauses: number[] = [];
  const client = platformClient({
    transport: httpTransport(stub.url),
    env: {
      now: options.now ?? systemEnv.now,
      sleep: (ms) => {
        pauses.push(ms);
        return Promise.resolve();
      },
    },
    credentials: { headers: () => ({ authorization: "Bearer good" }) },
    timeoutMs: options.timeoutMs,
  });
  try {
    await test(stub, client, pauses);
    assertEquals(stub.violations, []);
  } finally {
    client.close();
    await stub.close();
  }
}

async function failure(work: () => Promise<unknown>): Promise<SyncError> {
  const e = await assertRejects(work);
  assert(e instanceof SyncError, `not a SyncError: ${e}`);
  assert(e.hint.length > 10, "no hint");
  return e;
}

Deno.test("a dataset is created, found by uuid and by alt_uid, and updated with all seven keys", () =>
  withStub(async (_stub, client) => {
    assertEquals(await client.findDataset(dataset), null);
    assertEquals(await client.createDataset(dataset), null);
    assertEquals((await client.readDataset(UUID))?.scope.uid, STUB_SCOPE);
    assertEquals((await client.findDataset({ ...dataset, uuid: OTHER }))?.uuid, UUID);
    await client.updateDataset(UUID, { name: "New", attributes: { sample: "S2" } });
    const now = await client.readDataset(UUID);
    assertEquals([now?.name, now?.keywords, now?.attributes], ["New", ["a"], { sample: "S2" }]);
    assertEquals((await client.me()).sub, "ada");
    assertEquals(await client.version(), "2.1.0");
  }));

Deno.test("creating what exists, under its uuid or its alt_uid, returns the existing dataset", () =>
  withStub(async (_stub, client) => {
    await client.createDataset(dataset);
    assertEquals((await client.createDataset(dataset))?.uuid, UUID);
    assertEquals((await client.createDataset({ ...dataset, uuid: OTHER }))?.uuid, UUID);
  }));

Deno.test("an alt_uid that repeats the uuid is dropped (S1)", () =>
  withStub(async (stub, client) => {
    await client.createDataset({ ...dataset, alt_uid: UUID.toUpperCase() });
    assertEquals(stub.datasets[0]?.alt_uid, null);
  }));

Deno.test("a create whose reply is lost is settled by a look, on a fresh and on a reused connection", () =>
  withStub(async (stub, client) => {
    for (const warmUp of [false, true]) {
      stub.datasets.length = 0;
      if (warmUp) await client.me();
      stub.fail(/POST .*dataset/, (request) => {
        stub.datasets.push({ ...dataset });
        request.socket.destroy();
      });
      assertEquals((await client.createDataset(dataset))?.uuid, UUID);
      assertEquals(stub.datasets.length, 1);
    }
  }));

Deno.test("a create that failed for want of a connection and left nothing is a network error", () =>
  withStub(async (stub, client) => {
    stub.fail(/POST .*dataset/, cutAfter(0));
    assertEquals((await failure(() => client.createDataset(dataset))).class, "network");
  }));

Deno.test("reads are repeated twice, after 0.3 s and 1 s, before a failure counts (U9)", () =>
  withStub(async (stub, client, pauses) => {
    stub.fail(/GET .*me/, reply(500), 2);
    assertEquals((await client.me()).sub, "ada");
    assertEquals(pauses, [300, 1000]);
    stub.fail(/GET .*me/, reply(500), 3);
    assertEquals((await failure(() => client.me())).class, "platform");
    assertEquals(stub.count(/GET .*me/), 6);
    stub.fail(/GET .*me/, cutAfter(0), 10);
    assertEquals((await failure(() => client.me())).code, "connection_reset");
  }));

Deno.test("writes are not repeated", () =>
  withStub(async (stub, client, pauses) => {
    stub.fail(/PATCH/, reply(503));
    assertEquals((await failure(() => client.updateDataset(UUID, { name: "x" }))).class, "network");
    assertEquals([stub.count(/PATCH/), pauses.length], [1, 0]);
  }));

Deno.test("replies become errors of the right class, with code, hint and Retry-After", async (t) => {
  const cases: [string, Parameters<StubPlatform["fail"]>[1], string, string][] = [
    ["rejected token", reply(401, { error: "token_revoked", detail: "x" }), "auth", "token_revoked"],
    [
      "scope denied",
      reply(403, { error: "scope_access_denied", detail: "x" }),
      "permission",
      "scope_access_denied",
    ],
    ["v2 forbidden", reply(403, { detail: "no" }), "permission", "access_denied"],
    ["refused", reply(422, { detail: ["too short"] }), "platform", "http_422"],
    ["server error", reply(500, { error: "server_error", detail: "x" }), "platform", "server_error"],
    ["maintenance", reply(503, { detail: "later" }, { "retry-after": "120" }), "network", "http_503"],
    ["too many", reply(429, { detail: "slow" }, { "retry-after": "120" }), "network", "http_429"],
    ["portal answering 200", webPage(200), "network", "web_page_instead_of_platform"],
    ["firewall", webPage(403), "network", "web_page_instead_of_platform"],
    ["redirect", reply(302, {}, { location: "http://portal/" }), "network", "unexpected_redirect"],
    ["other JSON", reply(200, { hello: 1 }), "platform", "invalid_reply"],
  ];
  for (const [name, fault, cls, code] of cases) {
    await t.step(name, () =>
      withStub(async (stub, client) => {
        stub.fail(/GET .*me/, fault, 3);
        const e = await failure(() => client.me());
        assertEquals([e.class, e.code], [cls, code]);
        if (name === "maintenance") {
          assert(e instanceof ReplyError);
          assertEquals(e.retryAfterMs, 120_000);
          assertEquals(stub.count(/GET .*me/), 1, "asked again before the time the platform named");
        }
        if (name === "refused") assertMatch(e.message, /reading the user: too short \(422\)/);
      }));
  }
});

Deno.test("a web page with 404 is not taken for 'no such dataset'", () =>
  withStub(async (stub, client) => {
    stub.fail(/GET .*dataset/, webPage(404), 3);
    assertEquals((await failure(() => client.readDataset(UUID))).class, "network");
    assertEquals(await client.readDataset(UUID), null);
  }));

Deno.test("no connection: refused, unknown host, silence, no TLS", async () => {
  const free = Deno.listen({ port: 0 });
  const port = (free.addr as Deno.NetAddr).port;
  free.close();
  const env = { now: () => Date.now(), sleep: () => Promise.resolve() };
  const codeOf = async (url: string) => {
    const client = platformClient({ transport: httpTransport(url), env });
    const e = await failure(() => client.me());
    client.close();
    assertEquals(e.class, "network");
    return e.code;
  };
  assertEquals(await codeOf(`http://127.0.0.1:${port}`), "connection_refused");
  assertEquals(await codeOf("http://no-such-host.invalid"), "dns_failed");
  await withStub(async (stub, client) => {
    assertEquals(await codeOf(stub.url.replace("http:", "https:")), "tls_failed");
    stub.fail(/GET .*me/, silence, 3);
    assertEquals((await failure(() => client.me())).code, "connection_timeout");
  }, { timeoutMs: 100 });
});

Deno.test("the secret part of a download link never gets into an error", async () => {
  const free = Deno.listen({ port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const client = platformClient({ transport: httpTransport("http://127.0.0.1:9999"), env: systemEnv });
  const e = await failure(() => client.download(`http://127.0.0.1:${port}/bucket/x?token=SECRET`));
  assertMatch(e.message, /127\.0\.0\.1/);
  assert(!JSON.stringify(e.toData()).includes("SECRET"), JSON.stringify(e.toData()));
  client.close();
});

Deno.test("a rejected log-in is renewed once, and the call repeated", async () => {
  const stub = await StubPlatform.start();
  let token = "old";
  let renewals = 0;
  const client = platformClient({
    transport: httpTransport(stub.url),
    env: systemEnv,
    credentials: {
      headers: () => ({ authorization: `Bearer ${token}` }),
      refresh: () => {
        renewals++;
        token = "good";
        return Promise.resolve(true);
      },
    },
  });
  assertEquals((await client.me()).sub, "ada");
  token = "bad for good";
  stub.fail(/GET .*me/, reply(401, { error: "token_invalid" }), 2);
  assertEquals((await failure(() => client.me())).class, "auth");
  assertEquals(renewals, 2);
  client.close();
  await stub.close();
});

Deno.test("the platform's clock is learned, and a clock that agrees is left alone (U10)", async () => {
  const hours = (h: number) => ({ now: () => Date.now() + h * 3_600_000 });
  await withStub(async (_stub, client) => {
    await client.me();
    assertEquals(client.clockOffsetMs, 0);
  });
  await withStub(async (_stub, client) => {
    await client.me();
    assert(Math.abs(client.clockOffsetMs + 3_600_000) < 2000, `${client.clockOffsetMs}`);
    assert(Math.abs(client.platformNow() - Date.now()) < 2000);
  }, hours(1));
  await withStub(async (stub, client) => {
    stub.sendDate = false;
    await client.me();
    assertEquals(client.clockOffsetMs, 0);
  }, hours(1));
});

Deno.test("a dataset is moved only where the platform offers it", () =>
  withStub(async (stub, client) => {
    assertEquals(await client.moveDataset(UUID, OTHER), false);
    assertEquals(stub.count(/move/), 0);
  }).then(() =>
    withStub(async (stub, client) => {
      stub.offersMove = true;
      await client.createDataset(dataset);
      assertEquals(await client.moveDataset(UUID, OTHER), true);
      assertEquals(stub.datasets[0]?.scope_uuid, OTHER);
    })
  ));

Deno.test("a platform has the longer to put parts together, the more there are; other calls keep their time", async () => {
  const times: (number | undefined)[] = [];
  const client = platformClient({
    transport: {
      baseUrl: "http://platform.invalid",
      send({ timeoutMs }) {
        times.push(timeoutMs);
        return Promise.resolve(new Response("null"));
      },
      close() {},
    },
    env: systemEnv,
  });
  const key = { uuid: UUID, version_id: 1 };
  for (const size of [0, 2e9, 100e9]) {
    await client.validateMultipart(key, "0".repeat(32), { id: "u", etags: [], size });
  }
  await client.validateSinglePart(key, "0".repeat(32));
  assertEquals(times, [10_000, 110_000, 5_010_000, 10_000]);
});
