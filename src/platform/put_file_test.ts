import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertMatch, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { filePutter, type PutLimits } from "./put_file.ts";
import { cutAfter, reply, silence, StubPlatform } from "./testing/stub_platform.ts";
import type { FileBody } from "./transport.ts";

function bodyOf(size: number, chunk = 300_000): FileBody & { md5: string } {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 9);
  return {
    size,
    md5: createHash("md5").update(bytes).digest("hex"),
    async *chunks() {
      const buffer = new Uint8Array(chunk); // reused, as the contract allows
      for (let at = 0; at < size; at += chunk) {
        const part = bytes.subarray(at, at + chunk);
        buffer.set(part);
        yield await Promise.resolve(buffer.subarray(0, part.length));
      }
    },
  };
}

const HEADERS = { "x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream" };

async function withPutter(
  limits: Partial<PutLimits>,
  test: (
    stub: StubPlatform,
    put: (body: FileBody, signal?: AbortSignal) => Promise<Response>,
  ) => Promise<void>,
) {
  const stub = await StubPlatform.start();
  const putter = filePutter(limits);
  try {
    await test(stub, (body, signal) =>
      putter.send({
        url: new URL(`${stub.url}/bucket/a/1?token=t`),
        method: "PUT",
        headers: HEADERS,
        body,
        what: "uploading",
        signal,
      }));
    assertEquals(stub.violations, []);
  } finally {
    putter.close();
    await stub.close();
  }
}

Deno.test("a file body arrives whole, with its exact length, on a kept connection", () =>
  withPutter({}, async (stub, put) => {
    for (const size of [0, 1, 128 * 1024, 5_000_001]) {
      const body = bodyOf(size);
      const r = await put(body);
      assertEquals([r.status, r.headers.get("etag")], [200, `"${body.md5}"`]);
      assertEquals(stub.objects.get("/bucket/a/1"), { size, md5: body.md5 });
      assertEquals(stub.requests.at(-1)?.headers["content-length"], String(size));
    }
  }));

Deno.test("a body that is held back on purpose for longer than a stall may last arrives whole", () =>
  withPutter({ stallMs: 100 }, async (stub, put) => {
    const body = bodyOf(200_000, 100_000);
    let held = 0;
    let since: number | undefined;
    const slow: FileBody = {
      size: body.size,
      heldBackMs: () => held + (since === undefined ? 0 : performance.now() - since),
      async *chunks() {
        since = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 400));
        held = performance.now() - since;
        since = undefined;
        yield* body.chunks();
      },
    };
    assertEquals((await put(slow)).status, 200);
    assertEquals(stub.objects.get("/bucket/a/1"), { size: body.size, md5: body.md5 });
  }));

Deno.test("on the wire an empty file has Content-Length: 0 and no Transfer-Encoding", async () => {
  let head = "";
  const server = net.createServer((socket) => {
    socket.on("data", (d) => {
      head += new TextDecoder().decode(d);
      if (head.includes("\r\n\r\n")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const putter = filePutter();
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x?y=z`);
  const r = await putter.send({ url, method: "PUT", headers: HEADERS, body: bodyOf(0), what: "uploading" });
  putter.close();
  await new Promise((resolve) => server.close(resolve));
  assertEquals(r.status, 200);
  assertMatch(head, /^PUT \/x\?y=z HTTP\/1\.1\r\n/);
  assertMatch(head, /\r\nContent-Length: 0\r\n/i);
  assert(!/transfer-encoding/i.test(head), head);
  assert(head.endsWith("\r\n\r\n"), "sent a body");
});

Deno.test("a connection cut in the middle is a network error", () =>
  withPutter({}, async (stub, put) => {
    stub.fail(/PUT/, cutAfter(1_000_000));
    const e = await assertRejects(() => put(bodyOf(20_000_000)));
    assert(e instanceof SyncError && e.class === "network", `${e}`);
    assertEquals(e.code, "connection_reset");
  }));

Deno.test("a server that stops reading, or never answers, is given up", () =>
  withPutter({ stallMs: 200, floorBytesPerS: 1e9 }, async (stub, put) => {
    for (const fault of [silence, () => undefined]) {
      stub.fail(/PUT/, fault);
      const e = await assertRejects(() => put(bodyOf(30_000_000)));
      assert(e instanceof SyncError && e.class === "network", `${e}`);
      assertEquals(e.code, "connection_timeout");
    }
  }));

Deno.test("redirects are not followed, and an early refusal is read before the whole file is sent", () =>
  withPutter({}, async (stub, put) => {
    stub.fail(/PUT/, reply(307, {}, { location: `${stub.url}/elsewhere` }));
    assertEquals((await put(bodyOf(10))).status, 307);
    assertEquals(stub.requests.length, 1);
    stub.fail(/PUT/, (_q, r) => void r.writeHead(403).end("{}"));
    let produced = 0;
    const body = bodyOf(100_000_000);
    const counting: FileBody = {
      size: body.size,
      async *chunks() {
        for await (const c of body.chunks()) {
          produced += c.length;
          yield c;
        }
      },
    };
    assertEquals((await put(counting)).status, 403);
    assert(produced < body.size, "sent everything in spite of the refusal");
  }));

Deno.test("what the body throws is thrown as it is, and the store never gets a whole object", () =>
  withPutter({}, async (stub, put) => {
    const broken = new SyncError("busy", "file_changing", "x");
    const good = bodyOf(3_000_000);
    const e = await assertRejects(() =>
      put({
        size: good.size,
        async *chunks() {
          let n = 0;
          for await (const c of good.chunks()) {
            if (++n === 5) throw broken;
            yield c;
          }
        },
      })
    );
    assertEquals(e, broken);
    assertEquals(stub.objects.size, 0);
  }));

Deno.test("an abort ends the upload with its reason", () =>
  withPutter({}, async (stub, put) => {
    const control = new AbortController();
    stub.fail(/PUT/, () => control.abort(new Error("stop asked for")));
    const e = await assertRejects(() => put(bodyOf(30_000_000), control.signal));
    assertEquals(e.message, "stop asked for");
  }));

Deno.test("an upload of 0 bytes or more to an address where nothing listens is refused", async () => {
  const free = Deno.listen({ port: 0 });
  const { port } = free.addr as Deno.NetAddr;
  free.close();
  const putter = filePutter();
  const url = new URL(`http://127.0.0.1:${port}/`);
  for (const size of [0, 1000]) {
    const e = await assertRejects(() =>
      putter.send({ url, method: "PUT", headers: {}, body: bodyOf(size), what: "uploading" })
    );
    assert(e instanceof SyncError, `${e}`);
    assertEquals(e.code, "connection_refused");
  }
  putter.close();
});

/** A proxy that answers in place of the servers it is asked for, and notes what it was asked. */
async function withProxy(test: (address: string, asked: string[]) => Promise<void>): Promise<void> {
  const asked: string[] = [];
  const proxy = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume().on("end", () => response.end("from the proxy"));
  });
  proxy.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", () => resolve()));
  try {
    const { port } = proxy.address() as AddressInfo;
    await test(`http://127.0.0.1:${port}`, asked);
  } finally {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  }
}

Deno.test("uploads to other computers go through the network's proxy, where it is not excepted (U15)", () =>
  withProxy(async (address, asked) => {
    const putter = filePutter({}, { HTTP_PROXY: address, https_proxy: address, NO_PROXY: "near.invalid" });
    const put = (url: string) =>
      putter.send({
        url: new URL(url),
        method: "PUT",
        headers: HEADERS,
        body: bodyOf(200_000),
        what: "uploading",
      });
    try {
      assertEquals((await put("http://store.invalid/a")).status, 200);
      await assertRejects(() => put("https://store.invalid/b"));
      await assertRejects(() => put("http://near.invalid/c"));
      assertEquals(asked, ["PUT http://store.invalid/a", "CONNECT store.invalid:443"]);
    } finally {
      putter.close();
    }
  }));

Deno.test("no proxy comes between the agent and a server on this computer", () =>
  withProxy(async (address, asked) => {
    const stub = await StubPlatform.start();
    const putter = filePutter({}, { HTTP_PROXY: address });
    try {
      const url = new URL(`${stub.url}/bucket/a/1?token=t`);
      const body = bodyOf(200_000);
      assertEquals(
        (await putter.send({ url, method: "PUT", headers: HEADERS, body, what: "uploading" })).status,
        200,
      );
      assertEquals(asked, []);
    } finally {
      putter.close();
      await stub.close();
    }
  }));
