/** How the hub takes it when an S3 store fails: a scripted store, for what a real one rarely does. */
import { assertEquals, assertMatch } from "../../../tests/assert.ts";
import { systemEnv } from "../../env.ts";
import { bytesOf, Detail, md5, TestHub, withHub } from "../test_hub.ts";
import { multipartEtag } from "./multipart_etag.ts";

const CONTENT = bytesOf("content");
const ETAGS = [`"${md5(CONTENT)}"`];
const COMPLETE_ETAG = multipartEtag(ETAGS);

type Answer = (request: Request) => Response | Promise<Response>;

/** What the store answers, by what is asked. */
interface Script {
  complete: Answer;
  head: Answer;
}

const xml = (text: string, status = 200) => new Response(`<?xml version="1.0"?>${text}`, { status });
const error = (status: number, code: string) =>
  xml(`<Error><Code>${code}</Code><Message>because</Message></Error>`, status);
const completed: Answer = () =>
  xml(
    `<CompleteMultipartUploadResult><ETag>&#34;${COMPLETE_ETAG}&#34;</ETag></CompleteMultipartUploadResult>`,
  );
const stored = (etag = COMPLETE_ETAG, length = CONTENT.length): Answer => () =>
  new Response(null, { headers: { etag: `"${etag}"`, "content-length": String(length) } });
const nothing: Answer = () => new Response(null, { status: 404 });

/** Runs a test on a hub before a store that follows a script. */
async function withScript(
  script: Script,
  test: (
    validate: () => ReturnType<TestHub["validateParts"]>,
    status: () => Promise<string>,
    link: () => Promise<string>,
  ) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { searchParams } = new URL(request.url);
    await request.text();
    if (request.method === "HEAD") return script.head(request);
    if (request.method === "POST" && searchParams.has("uploads")) return xml("<UploadId>id-1</UploadId>");
    if (request.method === "POST") return script.complete(request);
    return xml("<ListMultipartUploadsResult/>");
  });
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const store = { bucket: "some-bucket", endpoint, accessKeyId: "a", secretAccessKey: "b" };
  // Pauses are over at once; patience is not.
  const sleep = (ms: number, signal?: AbortSignal) => systemEnv.sleep(ms > 5000 ? ms : 0, signal);
  try {
    await withHub(async (hub) => {
      const key = await hub.file(await hub.dataset(), CONTENT.length);
      const links = await hub.beginParts(key);
      await test(
        () => hub.validateParts(links, ETAGS, md5(CONTENT)),
        async () => (await hub.readVersion(key)).status,
        async () => (await hub.readVersion(key)).S3_link ?? "",
      );
    }, { store, env: { ...systemEnv, sleep } });
  } finally {
    await server.shutdown();
  }
}

Deno.test("a completion that the store did answer as it should is taken, with an ETag in entities", () =>
  withScript({ complete: completed, head: stored() }, async (validate, status) => {
    assertEquals([(await validate()).status, await status()], [202, "secured"]);
  }));

Deno.test("200 with an error in the body is a failure, and may be asked again", () => {
  const script: Script = { complete: () => error(200, "InternalError"), head: nothing };
  return withScript(script, async (validate, status) => {
    const reply = await validate();
    assertEquals([reply.status, reply.headers.get("retry-after"), await status()], [503, "1", "pending"]);
    assertMatch(String(Detail.parse(reply.body).detail), /could not put the parts together: InternalError/);
    Object.assign(script, { complete: completed, head: stored() });
    assertEquals([(await validate()).status, await status()], [202, "secured"]);
  });
});

Deno.test("a completion that was not answered, failed late or is not known is settled by what is stored", async () => {
  const ambiguous: [string, Answer][] = [
    ["500", () => error(500, "InternalError")],
    ["503", () => new Response("<html>busy</html>", { status: 503 })],
    ["half a reply", () => xml("<CompleteMultipartUploadResult><ETag>")],
    ["404", () => error(404, "NoSuchUpload")],
    ["error in 200", () => error(200, "InternalError")],
  ];
  for (const [name, complete] of ambiguous) {
    await withScript({ complete, head: stored() }, async (validate, status) => {
      assertEquals([(await validate()).status, await status()], [202, "secured"], name);
    });
    // Another object, one of another length, none.
    for (const head of [stored(`${md5(bytesOf("x"))}-1`), stored(COMPLETE_ETAG, 6), nothing]) {
      await withScript({ complete, head }, async (validate, status) => {
        const reply = await validate();
        assertEquals([reply.status, await status()], [name === "404" ? 404 : 503, "pending"], name);
      });
    }
  }
});

Deno.test("what S3 refuses is refused alike; what the store forbids to the hub is no fault of the client", async () => {
  const cases: [number, string, number, RegExp][] = [
    [400, "InvalidPart", 400, /^InvalidPart/],
    [400, "InvalidPartOrder", 400, /^InvalidPartOrder/],
    [400, "EntityTooSmall", 400, /^EntityTooSmall/],
    [404, "NoSuchUpload", 404, /^NoSuchUpload/],
    [403, "AccessDenied", 500, /AccessDenied/],
    [404, "NoSuchBucket", 500, /NoSuchBucket/],
  ];
  for (const [status, code, expected, words] of cases) {
    await withScript({ complete: () => error(status, code), head: nothing }, async (validate) => {
      const reply = await validate();
      assertEquals(reply.status, expected, code);
      assertMatch(String(Detail.parse(reply.body).detail), words);
    });
  }
});

Deno.test("a store that puts the parts together but holds another length is not believed", () =>
  withScript({ complete: completed, head: stored(COMPLETE_ETAG, 6) }, async (validate, status) => {
    assertEquals([(await validate()).status, await status()], [400, "pending"]);
  }));

Deno.test("in a bucket with versions the download is of the very version that was secured", () => {
  const head: Answer = async (request) => {
    const reply = await stored()(request);
    reply.headers.set("x-amz-version-id", "v-7");
    return reply;
  };
  return withScript({ complete: completed, head }, async (validate, _status, link) => {
    assertEquals((await validate()).status, 202);
    assertEquals(new URL(await link()).searchParams.get("versionId"), "v-7");
  });
});

Deno.test("a store may take longer than the client waits: it is told to ask again, and closing ends the wait", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hub_" });
  const asked = Promise.withResolvers<void>();
  const slow = Promise.withResolvers<Response>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    await request.text();
    if (new URL(request.url).searchParams.has("uploads")) return xml("<UploadId>id-1</UploadId>");
    asked.resolve();
    return slow.promise;
  });
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const store = { bucket: "some-bucket", endpoint, accessKeyId: "a", secretAccessKey: "b" };
  // Patience is over once the store was asked.
  const sleep = () => asked.promise;
  const hub = await TestHub.open(directory, { store, env: { ...systemEnv, sleep } });
  const links = await hub.beginParts(await hub.file(await hub.dataset(), CONTENT.length));
  assertEquals((await hub.validateParts(links, ETAGS, md5(CONTENT))).status, 503);
  await hub.close();
  slow.resolve(new Response());
  await server.shutdown();
  await Deno.remove(directory, { recursive: true });
});
