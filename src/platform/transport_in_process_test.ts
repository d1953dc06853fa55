import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { platformClient } from "./client.ts";
import { reply, StubPlatform } from "./testing/stub_platform.ts";
import type { FileBody, TransportRequest } from "./transport.ts";
import { inProcessTransport } from "./transport_in_process.ts";

const put = (body: FileBody, more: Partial<TransportRequest> = {}): TransportRequest => ({
  method: "PUT",
  url: "/bucket/a/1?token=t",
  headers: {},
  body,
  what: "uploading",
  ...more,
});

/** A body of `n` chunks of 1000 bytes in one reused buffer, chunk i holding i; fails before chunk `failAt`. */
function body(n: number, failAt = Infinity, failure: unknown = null): FileBody {
  const buffer = new Uint8Array(1000);
  return {
    size: n * 1000,
    async *chunks() {
      for (let i = 0; i < n; i++) {
        if (i === failAt) throw failure;
        yield await Promise.resolve(buffer.fill(i));
      }
    },
  };
}

Deno.test("a file body arrives with its length, handed over whole or in pieces that may be kept until the end", async () => {
  for (const n of [0, 5, 1200]) {
    const sent: number[] = [];
    const transport = inProcessTransport(async (request) => {
      assertEquals(request.headers.get("content-length"), String(n * 1000));
      assertEquals(new URL(request.url).search, "?token=t");
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      for await (const piece of request.body ?? []) pieces.push(piece);
      const bytes = await new Blob(pieces).bytes();
      return Response.json(Array.from({ length: n }, (_, i) => bytes[i * 1000 + 999]));
    });
    const r = await transport.send(put(body(n), { onProgress: (bytes) => void sent.push(bytes) }));
    assertEquals(await r.json(), Array.from({ length: n }, (_, i) => i % 256));
    assertEquals(sent, Array.from({ length: n }, (_, i) => (i + 1) * 1000));
  }
});

Deno.test("what the body throws is thrown, whatever the hub answers", async () => {
  const changing = new SyncError("busy", "file_changing", "x");
  const transport = inProcessTransport(async (request) => {
    try {
      await request.bytes();
      return new Response("stored");
    } catch {
      return new Response("incomplete", { status: 400 });
    }
  });
  assertEquals(await assertRejects(() => transport.send(put(body(5, 3, changing)))), changing);
});

Deno.test("a hub that does not answer is given up after the time limit, or by the signal", async () => {
  const transport = inProcessTransport(() => new Promise<Response>(() => {}));
  const get = { method: "GET", url: "/api/v3/me", headers: {}, what: "asking" } as const;
  const late = await assertRejects(() => transport.send({ ...get, timeoutMs: 20 }));
  assert(late instanceof SyncError && late.class === "network");
  const control = new AbortController();
  const waiting = assertRejects(() => transport.send({ ...get, signal: control.signal }));
  control.abort(new Error("stop"));
  assertEquals((await waiting).message, "stop");
});

Deno.test("a link to another server is followed over the network, without the log-in", async () => {
  const stub = await StubPlatform.start();
  const client = platformClient({
    transport: inProcessTransport(() => new Response(null, { status: 500 })),
    env: systemEnv,
    credentials: { headers: () => ({ authorization: "Bearer secret" }) },
  });
  const r = await client.putObject(`${stub.url}/bucket/a/1`, body(2), { what: "uploading" });
  assertEquals(r.status, 200);
  assertEquals(stub.violations, []);
  stub.fail(/^GET/, reply(404));
  await assertRejects(() => client.download(`${stub.url}/bucket/a/1`));
  assertEquals(stub.requests.at(-1)?.headers.authorization, undefined);
  client.close();
  await stub.close();
});

Deno.test("a store under the name minio gets none of the extra headers", async () => {
  const seen: string[][] = [];
  const hub = (request: Request) => {
    seen.push([...request.headers.keys()].sort());
    return new Response();
  };
  for (const host of ["minio", "store"]) {
    const transport = inProcessTransport(hub, `http://${host}:9000`);
    const client = platformClient({ transport, env: systemEnv });
    await client.putObject(`http://${host}:9000/bucket/a/1`, body(1), { what: "uploading" });
  }
  assertEquals(seen, [["content-length"], ["content-length", "content-type", "x-ms-blob-type"]]);
});
