import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../tests/assert.ts";
import { systemEnv } from "../../env.ts";
import { bytesOf, Detail, fileBytesOf, md5, type TestHub, withHub } from "../test_hub.ts";

/** Names of all files below the folder of unfinished uploads, but for the locks. */
function unfinished(directory: string): string[] {
  const root = `${directory}/incoming`;
  return [...Deno.readDirSync(root)].filter((entry) => entry.isDirectory)
    .flatMap((owner) => [...Deno.readDirSync(`${root}/${owner.name}`)].map((entry) => entry.name));
}

async function securedLink(hub: TestHub, bytes: Uint8Array<ArrayBuffer>, fields = {}): Promise<string> {
  return (await hub.readVersion(await hub.upload(await hub.dataset(), bytes, fields))).S3_link ?? "";
}

Deno.test("parts of an object are downloaded by range", () =>
  withHub(async (hub) => {
    const link = await securedLink(hub, bytesOf("0123456789"), { filename: 'my "file" µ.txt' });
    const get = (headers: Record<string, string>) => hub.fetch(link, { headers });
    let reply = await get({ range: "bytes=2-4" });
    assertEquals([reply.status, await reply.text()], [206, "234"]);
    assertEquals(reply.headers.get("content-range"), "bytes 2-4/10");
    assertEquals(reply.headers.get("content-length"), "3");
    reply = await get({ range: "bytes=-2" });
    assertEquals([reply.status, await reply.text()], [206, "89"]);
    reply = await get({ range: "bytes=10-" });
    assertEquals([reply.status, reply.headers.get("content-range")], [416, "bytes */10"]);
    await reply.body?.cancel();
    reply = await get({ range: "bytes=2-4", "if-range": '"of another file"' });
    assertEquals([reply.status, await reply.text()], [200, "0123456789"]);
    assertStringIncludes(reply.headers.get("content-disposition") ?? "", "my%20%22file%22%20%C2%B5.txt");
    reply = await hub.fetch(link, { method: "HEAD" });
    assertEquals([reply.status, reply.headers.get("content-length"), await reply.text()], [200, "10", ""]);
  }));

Deno.test("a link opens one object, for one method, for 24 hours", async () => {
  let now = Date.UTC(2026, 0, 1);
  await withHub(async (hub) => {
    const dataset = await hub.dataset();
    const bytes = bytesOf("abc");
    const key = await hub.file(dataset, 3);
    const other = await hub.file(dataset, 3, { name: "other" });
    const link = await hub.uploadLink(key);
    const status = async (url: string, init?: RequestInit) => {
      const reply = init ? await hub.fetch(url, init) : await hub.put(url, bytes);
      await reply.body?.cancel();
      return reply.status;
    };
    assertEquals(await status(link.replace(key.uuid, other.uuid)), 403);
    assertEquals(await status(link.replace(/token=\d/, "token=9")), 403);
    assertEquals(await status(`${link}x`), 403);
    assertEquals(await status(link.replace(/\?.*/, "?token=")), 403);
    assertEquals(await status(link.replace(/\?.*/, "")), 422);
    assertEquals(await status(link, { method: "GET" }), 403);
    assertEquals(await status(link, { method: "DELETE" }), 405);
    now += 86_401_000;
    assertEquals(await status(link), 403);
    now -= 2_000;
    assertEquals(await status(link), 200);
    await hub.validate(key, md5(bytes));
    const download = (await hub.readVersion(key)).S3_link ?? "";
    assertEquals(await status(download), 403);
    assertEquals(await status(download, { method: "GET" }), 200);
  }, { env: { ...systemEnv, now: () => now } });
});

Deno.test("paths can not leave the folder of objects", () =>
  withHub(async (hub) => {
    for (
      const path of ["..%2f..%2fhub.sqlite/1", "%2e%2e/hub.sqlite", `${crypto.randomUUID()}/..%2f1`, "a/b"]
    ) {
      const reply = await hub.fetch(`/bucket/${path}?token=x`);
      assert(reply.status === 422 || reply.status === 404, `${path}: ${reply.status}`);
      await reply.body?.cancel();
    }
  }));

Deno.test("a body of another length than announced is refused and leaves nothing behind", () =>
  withHub(async (hub) => {
    const key = await hub.file(await hub.dataset(), 5);
    const link = await hub.uploadLink(key);
    const refused = async (status: number, headers: Record<string, string>) => {
      const reply = await hub.put(link, bytesOf("12345"), headers);
      assertEquals(reply.status, status);
      assert(Detail.parse(await reply.json()).detail);
    };
    await refused(400, { "content-length": "6" });
    await refused(400, { "content-length": "4" });
    await refused(411, { "content-length": "many" });
    await refused(400, { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" });
    const chunked = await hub.fetch(link, { method: "PUT", body: "12345" });
    assertEquals([chunked.status, Detail.parse(await chunked.json()).detail], [
      411,
      "a PUT needs a Content-Length",
    ]);
    assertEquals(unfinished(hub.directory), []);
    assertEquals((await hub.validate(key, md5(bytesOf("12345")))).status, 400);
  }));

Deno.test("an upload that is cut leaves the earlier object in place", () =>
  withHub(async (hub) => {
    const key = await hub.file(await hub.dataset(), 5);
    const link = await hub.uploadLink(key);
    await hub.put(link, bytesOf("12345"));
    let chunks = 0;
    const cut = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (chunks++ === 0) controller.enqueue(bytesOf("67"));
        else controller.error(new Error("connection lost"));
      },
    });
    const reply = await hub.fetch(link, { method: "PUT", body: cut, headers: { "content-length": "5" } });
    assert(reply.status >= 400, String(reply.status));
    await reply.body?.cancel();
    assertEquals(unfinished(hub.directory), []);
    assertEquals((await hub.validate(key, md5(bytesOf("12345")))).status, 202);
  }));

Deno.test("of parallel uploads to one version the one complete last stays, whole", () =>
  withHub(async (hub) => {
    const size = 3_000_000;
    const key = await hub.file(await hub.dataset(), size);
    const link = await hub.uploadLink(key);
    const bodies = Array.from({ length: 6 }, (_, i) => new Uint8Array(size).fill(i + 1));
    let last = -1;
    await Promise.all(bodies.map(async (body, i) => {
      assertEquals((await hub.put(link, body)).status, 200);
      last = i;
    }));
    const [kept] = await Deno.readFile(`${hub.directory}/objects/${key.uuid}/${key.version_id}`);
    const body = bodies[(kept ?? 0) - 1] ?? new Uint8Array();
    assert(last >= 0);
    assertEquals((await hub.validate(key, md5(body))).status, 202);
    const stored = await hub.fetch((await hub.readVersion(key)).S3_link ?? "");
    assertEquals(md5(await stored.bytes()), md5(body));
  }));

Deno.test({
  name: "a full disk is answered 507 and the upload can be repeated when there is space",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    let full = true;
    const fs = {
      ...systemEnv.fs,
      openSync(path: string | URL, options?: Deno.OpenOptions) {
        const file = Deno.openSync(path, options);
        const write = file.writeSync.bind(file);
        file.writeSync = (bytes) => {
          if (full) throw noSpace();
          return write(bytes);
        };
        return file;
      },
    };
    await withHub(async (hub) => {
      const bytes = fileBytesOf("data");
      const key = await hub.file(await hub.dataset(), bytes.length);
      const link = await hub.uploadLink(key);
      const reply = await hub.put(link, bytes);
      assertEquals(reply.status, 507);
      assertMatch(Detail.parse(await reply.json()).detail, /disk of the hub is full/);
      assertEquals(unfinished(hub.directory), []);
      full = false;
      assertEquals((await hub.put(link, bytes)).status, 200);
      assertEquals((await hub.validate(key, md5(bytes))).status, 202);
    }, { env: { ...systemEnv, fs } });
  },
});

/** The error that the operating system gives on a full device. */
function noSpace(): unknown {
  const full = Deno.openSync("/dev/full", { write: true });
  try {
    full.writeSync(new Uint8Array(1));
  } catch (e) {
    return e;
  } finally {
    full.close();
  }
}

Deno.test("an object that was damaged on disk is not handed out as a whole", () =>
  withHub(async (hub) => {
    const key = await hub.upload(await hub.dataset(), fileBytesOf("whole"));
    const link = (await hub.readVersion(key)).S3_link ?? "";
    Deno.truncateSync(`${hub.directory}/objects/${key.uuid}/${key.version_id}`, 2);
    const reply = await hub.fetch(link);
    assertEquals([reply.status, /damaged/.test(await reply.text())], [500, true]);
  }));

Deno.test("a stranger's object in place of the uploaded one is counted anew before it is secured", () =>
  withHub(async (hub) => {
    const [right, wrong] = [fileBytesOf("true"), fileBytesOf("fake")];
    const key = await hub.file(await hub.dataset(), right.length);
    await hub.put(await hub.uploadLink(key), right);
    // As after a kill between putting a second upload in place and noting its hashes.
    const path = `${hub.directory}/objects/${key.uuid}/${key.version_id}`;
    Deno.writeFileSync(`${path}.new`, wrong);
    Deno.renameSync(`${path}.new`, path);
    assertEquals((await hub.validate(key, md5(right))).status, 400);
    assertEquals((await hub.validate(key, md5(wrong))).status, 202);
  }));

Deno.test("small and large objects take each other's place, and only what was stored last is handed out", () =>
  withHub(async (hub) => {
    const bodies = [bytesOf("small"), fileBytesOf("large"), bytesOf("small again"), bytesOf("smaller")];
    const key = await hub.file(await hub.dataset(), bodies[0]?.length ?? 0, { immutable: false });
    for (const body of bodies) {
      assertEquals((await hub.put(await hub.uploadLink(key), body)).status, 200);
      assertEquals((await hub.validate(key, md5(body))).status, 202);
      const record = await hub.readVersion(key);
      assertEquals([record.size, record.plain_md5], [body.length, md5(body)]);
      const stored = await (await hub.fetch(record.S3_link ?? "")).bytes();
      assertEquals(md5(stored), md5(body));
    }
    const folder = `${hub.directory}/objects/${key.uuid}`;
    assertEquals([...Deno.readDirSync(folder)], [], "the file of the large one is gone");
  }));

Deno.test("a small object that is stored anew while the one before is validated is never secured as that one", () =>
  withHub(async (hub) => {
    const key = await hub.file(await hub.dataset(), 3);
    const link = await hub.uploadLink(key);
    await hub.put(link, bytesOf("one"));
    const [validated] = await Promise.all([
      hub.validate(key, md5(bytesOf("one"))),
      hub.put(link, bytesOf("two")),
    ]);
    const isSecured = validated.status === 202;
    if (!isSecured) assertEquals((await hub.validate(key, md5(bytesOf("two")))).status, 202);
    const record = await hub.readVersion(key);
    const stored = await hub.fetch(record.S3_link ?? "");
    assertEquals(await stored.text(), isSecured ? "one" : "two");
    assertEquals(record.plain_md5, md5(bytesOf(isSecured ? "one" : "two")));
  }));
