/** The API as it listens: real sockets, real requests, also those that no well-meaning client sends. */
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { hasIpv6, type ListeningApi, startLocalApi, type StartOptions } from "./start_local_api.ts";
import { TestApi } from "./test_api.ts";

class Listening implements AsyncDisposable {
  private constructor(readonly test: TestApi, readonly api: ListeningApi, readonly tokenPath: string) {}

  static async open(more: Partial<StartOptions> = {}): Promise<Listening> {
    const test = await TestApi.open();
    const tokenPath = `${test.root}/home/api.token`;
    const { agent, serving } = test;
    const api = await startLocalApi({ agent, serving, host: "127.0.0.1", port: 0, tokenPath, ...more });
    return new Listening(test, api, tokenPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.close();
    await this.test[Symbol.asyncDispose]();
  }

  /** Sends text as it is. @returns the answer's first line */
  async raw(request: string): Promise<string> {
    using socket = await Deno.connect({ hostname: "127.0.0.1", port: this.api.port });
    await socket.write(new TextEncoder().encode(request));
    const answer = new Uint8Array(64);
    const n = await socket.read(answer);
    return new TextDecoder().decode(answer.subarray(0, n ?? 0)).split("\r\n")[0] ?? "";
  }
}

Deno.test("it answers under each of its names, in both families of addresses", async () => {
  await using l = await Listening.open();
  const bases = [
    l.api.url,
    `http://127.0.0.1:${l.api.port}`,
    ...(hasIpv6() ? [`http://[::1]:${l.api.port}`] : []),
  ];
  for (const base of bases) {
    const response = await fetch(`${base}/api/v1/sync/agent/status`);
    assertEquals([base, response.status], [base, 200]);
    await response.body?.cancel();
  }
  assertEquals([l.api.url, l.api.remote], [`http://localhost:${l.api.port}`, false]);
});

Deno.test("hosts are refused as they come over the wire", async () => {
  await using l = await Listening.open();
  const ask = (target: string, ...headers: string[]) =>
    l.raw([`GET ${target} HTTP/1.1`, ...headers, "Connection: close", "", ""].join("\r\n"));
  const path = "/api/v1/sync/agent/status";
  const own = `Host: localhost:${l.api.port}`;
  assertEquals(await ask(path, own), "HTTP/1.1 200 OK");
  const refused = [
    await ask(path, "Host: evil.example"),
    await ask(path, `Host: evil.example:${l.api.port}`),
    await ask(path),
    await ask(path, own, "Host: evil.example"),
    await ask(`http://localhost:${l.api.port}${path}`, `Host: evil.example:${l.api.port}`),
    await ask(path, own, "Origin: http://evil.example"),
    await ask(`//evil.example${path}`, own),
    await ask(`/api/v1/../../nowhere`, own),
  ];
  assertEquals(refused.map((line) => / 4\d\d /.test(line)), refused.map(() => true), refused.join("\n"));
});

Deno.test("a body without end is answered before its end", async () => {
  await using l = await Listening.open();
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: l.api.port });
  const head = [
    "POST /api/v1/sync/sources HTTP/1.1",
    `Host: localhost:${l.api.port}`,
    "Content-Type: application/json",
    "Transfer-Encoding: chunked",
    "",
    "",
  ];
  await socket.write(new TextEncoder().encode(head.join("\r\n")));
  const chunk = new TextEncoder().encode(`10000\r\n${" ".repeat(0x10000)}\r\n`);
  let answered = false;
  const sending = (async () => {
    while (!answered) for (let n = 0; n < chunk.length;) n += await socket.write(chunk.subarray(n));
  })().catch(() => {});
  const answer = new Uint8Array(64);
  const n = await socket.read(answer);
  answered = true;
  await sending;
  assertEquals(
    new TextDecoder().decode(answer.subarray(0, n ?? 0)).split("\r\n")[0],
    "HTTP/1.1 413 Payload Too Large",
  );
});

Deno.test("the token is made once, for its user alone, and survives a restart", async () => {
  await using l = await Listening.open();
  const token = await Deno.readTextFile(l.tokenPath);
  assert(token.trim().length === 43, token);
  if (Deno.build.os !== "windows") assertEquals((await Deno.stat(l.tokenPath)).mode! & 0o777, 0o600);
  if (Deno.build.os !== "windows") await Deno.chmod(l.tokenPath, 0o644);
  const { agent, serving } = l.test;
  const second = await startLocalApi({
    agent,
    serving,
    host: "127.0.0.1",
    port: 0,
    tokenPath: l.tokenPath,
  });
  await second.close();
  assertEquals(await Deno.readTextFile(l.tokenPath), token);
  if (Deno.build.os !== "windows") assertEquals((await Deno.stat(l.tokenPath)).mode! & 0o777, 0o600);
});

Deno.test("on another address every request needs the token", async () => {
  await using l = await Listening.open({ host: "0.0.0.0" });
  assertEquals(l.api.remote, true);
  const url = `http://127.0.0.1:${l.api.port}/api/v1/sync/sources`;
  const bearer = { Authorization: `Bearer ${(await Deno.readTextFile(l.tokenPath)).trim()}` };
  const statuses = [];
  for (const headers of [{}, { Authorization: "Bearer wrong" }, bearer]) {
    const response = await fetch(url, { headers });
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assertEquals(statuses, [401, 401, 200]);
});

Deno.test("a port that is taken is named, with what to do", async () => {
  await using l = await Listening.open();
  const { agent, serving } = l.test;
  for (const host of ["127.0.0.1", ...(hasIpv6() ? ["::1"] : [])]) {
    const other = { agent, serving, host, port: l.api.port, tokenPath: l.tokenPath };
    const e = await assertRejects(() => startLocalApi(other));
    assert(
      e instanceof SyncError && e.code === "port_taken" && e.message.includes(String(l.api.port)),
      String(e),
    );
    assert(e.hint.includes("--port"));
  }
});

Deno.test({
  name: "a program on the other loopback address counts too: localhost may be either",
  ignore: !hasIpv6(),
  fn: async () => {
    using foreign = Deno.listen({ hostname: "::1", port: 0 });
    await using test = await TestApi.open();
    const { agent, serving } = test;
    const tokenPath = `${test.root}/home/api.token`;
    const { port } = foreign.addr;
    const start = (host: string) => startLocalApi({ agent, serving, host, port, tokenPath });
    const e = await assertRejects(() => start("127.0.0.1"));
    assert(e instanceof SyncError && e.code === "port_taken", String(e));
    // What was listened on before the failure is free again.
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  },
});

Deno.test("an address of another machine is refused with what to do", async () => {
  await using test = await TestApi.open();
  const { agent, serving } = test;
  const start = { agent, serving, host: "192.0.2.1", port: 0, tokenPath: `${test.root}/home/api.token` };
  const e = await assertRejects(() => startLocalApi(start));
  assert(e instanceof SyncError && e.code === "host_unusable" && e.hint.includes("--host"), String(e));
});

Deno.test("closing ends open streams", async () => {
  const l = await Listening.open();
  const response = await fetch(`${l.api.url}/api/v1/sync/agent/activity/stream`);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const text = response.text();
  await l[Symbol.asyncDispose]();
  assert((await text).startsWith("event: activity\n"));
});
