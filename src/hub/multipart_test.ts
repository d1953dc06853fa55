import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import {
  bytesOf,
  Detail,
  md5,
  partsOf,
  randomBytes,
  sha256,
  TestHub,
  UploadLinksReply,
  withHub,
} from "./test_hub.ts";

const MIB = 1024 * 1024;
type Bytes = Uint8Array<ArrayBuffer>;
type Links = Awaited<ReturnType<TestHub["beginParts"]>>;

/** Announces a file and begins to upload it. */
async function begin(hub: TestHub, bytes: Bytes, fields: Record<string, unknown> = {}) {
  const key = await hub.file(await hub.dataset(), bytes.length, fields);
  const links = await hub.beginParts(key);
  const parts = partsOf(bytes, links.part_size);
  return { key, links, parts, etags: parts.map((part) => `"${md5(part)}"`) };
}

async function putPart(hub: TestHub, links: Links, number: number, part: Bytes, headers = {}) {
  const reply = await hub.put(links.presigned_urls[number - 1] ?? "", part, headers);
  const detail = reply.status === 200 ? "" : String(Detail.parse(await reply.json()).detail);
  return { status: reply.status, etag: reply.headers.get("etag"), detail };
}

async function stored(hub: TestHub, key: { uuid: string; version_id: number }): Promise<Uint8Array> {
  return await (await hub.fetch((await hub.readVersion(key)).S3_link ?? "")).bytes();
}

/** Names of uploads that have left something on disk. */
const leftOver = (hub: TestHub) =>
  [...Deno.readDirSync(`${hub.directory}/uploads`)].map((entry) => entry.name);

Deno.test("a file comes in parts in any order, is secured with the hashes of its bytes, and comes back", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(17 * MIB + 3);
    const { key, links, parts, etags } = await begin(hub, bytes);
    assertEquals([links.part_size, links.presigned_urls.length], [5 * MIB, 4]);
    assertEquals((await hub.readVersion(key)).status, "pending");
    const replies = await Promise.all([3, 4, 1, 2].map(async (number) => {
      const reply = await hub.put(
        links.presigned_urls[number - 1] ?? "",
        parts[number - 1] ?? new Uint8Array(),
      );
      return [number, reply.status, reply.headers.get("etag"), reply.headers.get("content-md5")];
    }));
    for (const [number, status, etag, contentMd5] of replies) {
      const expected = md5(parts[Number(number) - 1] ?? new Uint8Array());
      assertEquals([status, etag, contentMd5], [
        200,
        `"${expected}"`,
        Uint8Array.fromHex(expected).toBase64(),
      ]);
    }
    for (const again of [false, true]) {
      const reply = await hub.validateParts(links, etags, md5(bytes));
      assertEquals([reply.status, reply.body], [202, null], `again: ${again}`);
    }
    const file = await hub.readVersion(key);
    assertEquals([file.status, file.size, file.md5_checksum], ["secured", bytes.length, md5(bytes)]);
    assertEquals([file.plain_md5, file.sha256, file.etag], [md5(bytes), sha256(bytes), md5(bytes)]);
    assertEquals(await stored(hub, key), bytes);
    // Whoever did not do it finds it immutable.
    assertEquals((await hub.validateParts({ ...links, upload_id: "x" }, etags, md5(bytes))).status, 403);
    assertEquals((await putPart(hub, links, 1, parts[0] ?? new Uint8Array())).status, 403);
  }));

Deno.test("a small and an empty file have one part", () =>
  withHub(async (hub) => {
    for (const bytes of [bytesOf("small"), new Uint8Array(0)]) {
      const { key, links, parts, etags } = await begin(hub, bytes);
      assertEquals(links.presigned_urls.length, 1);
      assertEquals((await putPart(hub, links, 1, parts[0] ?? bytes)).status, 200);
      assertEquals((await hub.validateParts(links, etags, md5(bytes))).status, 202);
      assertEquals(await stored(hub, key), bytes);
    }
  }));

Deno.test("wrong parts are refused: length, Content-MD5, number, link of another part", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(6 * MIB);
    const { links, parts: [first = bytes, second = bytes] } = await begin(hub, bytes);
    const refused = async (status: number, words: RegExp, number: number, part: Bytes, headers = {}) => {
      const reply = await putPart(hub, links, number, part, headers);
      assertEquals(reply.status, status);
      assertMatch(reply.detail, words);
    };
    await refused(400, /part 2 has 1048576 bytes, not 5242880/, 2, first);
    await refused(400, /announced 1048576 bytes, only 3 arrived/, 2, bytesOf("abc"), {
      "content-length": MIB,
    });
    await refused(400, /Content-MD5/, 2, second, { "content-md5": "AAAAAAAAAAAAAAAAAAAAAA==" });
    await refused(411, /Content-Length/, 2, second, { "content-length": "x" });
    const url = links.presigned_urls[1] ?? "";
    const forged = [
      url.replace("partNumber=2", "partNumber=1"),
      url.replace("partNumber=2", "partNumber=3"),
      url.replace("partNumber=2&", ""),
      url.replace(/uploadId=[^&]+/, `uploadId=${crypto.randomUUID()}`),
      url.replace(/partNumber.*&/, ""),
    ];
    for (const link of forged) {
      const reply = await hub.put(link, second);
      assertEquals(reply.status, 403, link);
      await reply.body?.cancel();
    }
    const single = await hub.put(
      `${url.split("?")[0]}?token=${new URL(url).searchParams.get("token")}`,
      second,
    );
    assertEquals([single.status, /not valid/.test(await single.text())], [403, true]);
  }));

Deno.test("an upload with missing, wrong or too many parts is not completed, and can go on", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(11 * MIB);
    const { key, links, parts, etags } = await begin(hub, bytes);
    const refused = async (sent: string[], status: number, words: RegExp, upload = links) => {
      const reply = await hub.validateParts(upload, sent, md5(bytes));
      assertEquals(reply.status, status);
      assertMatch(String(Detail.parse(reply.body).detail), words);
      assertEquals((await hub.readVersion(key)).status, "pending");
    };
    await refused(etags, 400, /^InvalidPart: part 1 has not been uploaded/);
    for (const number of [1, 3]) await putPart(hub, links, number, parts[number - 1] ?? bytes);
    await refused(etags, 400, /^InvalidPart: part 2 has not been uploaded/);
    const wrong = (parts[1] ?? bytes).toReversed();
    assertEquals((await putPart(hub, links, 2, wrong)).status, 200);
    await refused(etags, 400, /^InvalidPart: the ETag of part 2/);
    await refused(etags.slice(0, 2), 400, /^InvalidPart: the upload has 3 parts, not 2/);
    await refused([...etags, "x"], 400, /^InvalidPart: the upload has 3 parts, not 4/);
    await refused(etags, 404, /^NoSuchUpload/, { ...links, upload_id: crypto.randomUUID() });
    await refused(etags, 404, /^NoSuchUpload/, { ...links, upload_id: "../.." });
    const other = await begin(hub, bytes);
    await refused(etags, 404, /^NoSuchUpload/, { ...links, upload_id: other.links.upload_id });
    assertEquals((await putPart(hub, links, 2, parts[1] ?? bytes)).status, 200);
    assertEquals(
      (await hub.validateParts(links, etags.map((e) => e.replaceAll('"', "")), md5(bytes))).status,
      202,
    );
    const file = await hub.readVersion(key);
    assertEquals([file.plain_md5, file.sha256], [md5(bytes), sha256(bytes)]);
    assertEquals(await stored(hub, key), bytes);
  }));

Deno.test("a part that comes again replaces the first when it is complete, and not before", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(12 * MIB);
    const { key, links, parts, etags } = await begin(hub, bytes);
    const old = parts.map((part) => part.toReversed());
    for (const [i, part] of old.entries()) assertEquals((await putPart(hub, links, i + 1, part)).status, 200);
    for (const i of [0, 2]) await putPart(hub, links, i + 1, parts[i] ?? bytes);
    // The same bytes again, as after a reply that was lost.
    assertEquals((await putPart(hub, links, 1, parts[0] ?? bytes)).etag, etags[0]);
    // Cut in its middle.
    let chunks = 0;
    const cut = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (chunks++ < 2) controller.enqueue(new Uint8Array(MIB));
        else controller.error(new Error("connection lost"));
      },
    });
    const headers = { "content-length": String(5 * MIB) };
    const reply = await hub.fetch(links.presigned_urls[1] ?? "", { method: "PUT", body: cut, headers });
    assert(reply.status >= 400);
    await reply.body?.cancel();
    const mixed = [etags[0] ?? "", `"${md5(old[1] ?? bytes)}"`, etags[2] ?? ""];
    assertEquals((await hub.validateParts(links, mixed, md5(bytes))).status, 400);
    const whole = new Uint8Array(bytes);
    whole.set(old[1] ?? bytes, 5 * MIB);
    assertEquals((await hub.validateParts(links, mixed, md5(whole))).status, 202);
    assertEquals(md5(await stored(hub, key)), md5(whole));
  }));

Deno.test("of one part sent by two connections the complete ones are whole, whichever stays", () =>
  withHub(async (hub) => {
    const size = 5 * MIB;
    for (let round = 0; round < 6; round++) {
      const { key, links } = await begin(hub, new Uint8Array(size));
      const bodies = [1, 2, 3].map((n) => new Uint8Array(size).fill(n + round));
      await Promise.all(
        bodies.map(async (body) => assertEquals((await putPart(hub, links, 1, body)).status, 200)),
      );
      const statuses = [];
      for (const body of bodies) {
        const { status } = await hub.validateParts(links, [`"${md5(body)}"`], md5(body));
        statuses.push(status);
        if (status === 202) assertEquals(md5(await stored(hub, key)), md5(body));
      }
      assertEquals(statuses.filter((status) => status === 202).length, 1, String(statuses));
    }
  }));

Deno.test("a connection that hangs does not hold up the upload, and writes nothing once it is complete", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(5 * MIB);
    const { key, links, etags } = await begin(hub, bytes);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const headers = { "content-length": String(bytes.length) };
    const hanging = hub.fetch(links.presigned_urls[0] ?? "", { method: "PUT", body: readable, headers });
    const writer = writable.getWriter();
    await writer.write(new Uint8Array(2 * MIB));
    assertEquals((await putPart(hub, links, 1, bytes)).status, 200);
    assertEquals((await hub.validateParts(links, etags, md5(bytes))).status, 202);
    await writer.write(new Uint8Array(3 * MIB)).catch(() => {});
    await writer.close().catch(() => {});
    assert((await hanging).status >= 400);
    assertEquals(md5(await stored(hub, key)), md5(bytes));
  }));

Deno.test("a part under way when its upload is aborted is refused, and leaves nothing", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(5 * MIB);
    const { links } = await begin(hub, bytes);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const headers = { "content-length": String(bytes.length) };
    const put = hub.fetch(links.presigned_urls[0] ?? "", { method: "PUT", body: readable, headers });
    const writer = writable.getWriter();
    await writer.write(bytes.subarray(0, 2 * MIB));
    assertEquals((await hub.abortParts(links)).status, 202);
    await writer.write(bytes.subarray(2 * MIB)).catch(() => {});
    await writer.close().catch(() => {});
    const reply = await put;
    assertEquals([reply.status, /^NoSuchUpload/.test(Detail.parse(await reply.json()).detail)], [404, true]);
    assertEquals(leftOver(hub), []);
  }));

Deno.test("over the network: parts in parallel, with the links that lead back the same way", () =>
  withHub(async (hub) => {
    const server = hub.serve();
    try {
      const bytes = randomBytes(23 * MIB);
      const key = await hub.file(await hub.dataset(), bytes.length);
      const presign = `/api/v2/file/presigned_link/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
      const links = UploadLinksReply.parse(await (await fetch(server.url + presign)).json());
      const etags = await Promise.all(
        partsOf(bytes, links.part_size).map(async (body, i) => {
          const reply = await fetch(links.presigned_urls[i] ?? "", { method: "PUT", body });
          await reply.body?.cancel();
          return reply.headers.get("etag") ?? "";
        }),
      );
      assertEquals((await hub.validateParts(links, etags, md5(bytes))).status, 202);
      assertEquals(md5(await stored(hub, key)), md5(bytes));
    } finally {
      await server.stop();
    }
  }));

Deno.test("another link, an abort or a deletion ends an upload: no more parts, nothing left on disk", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(6 * MIB);
    const replaced = await begin(hub, bytes);
    await putPart(hub, replaced.links, 1, replaced.parts[0] ?? bytes);
    const aborted = await hub.beginParts(replaced.key);
    assertEquals((await putPart(hub, aborted, 1, replaced.parts[0] ?? bytes)).status, 200);
    assertEquals((await hub.abortParts(aborted)).status, 202);
    assertEquals((await hub.abortParts(aborted)).status, 404);
    for (const links of [replaced.links, aborted]) {
      const late = await putPart(hub, links, 1, replaced.parts[0] ?? bytes);
      assertEquals([late.status, /^NoSuchUpload/.test(late.detail)], [404, true]);
      assertEquals((await hub.validateParts(links, replaced.etags, md5(bytes))).status, 404);
    }
    const deleted = await begin(hub, bytes);
    await putPart(hub, deleted.links, 1, deleted.parts[0] ?? bytes);
    await hub.expect(200, "DELETE", `/api/v2/file/?file_uuid=${deleted.key.uuid}`);
    const reopened = await reopen(hub);
    assertEquals(leftOver(reopened), []);
    await reopened.close();
  }));

/** Closes a hub and opens it again; the caller closes it. */
async function reopen(hub: TestHub, options = {}): Promise<TestHub> {
  await hub.close();
  const reopened = await TestHub.open(hub.directory, options);
  // Answered after what opening has set off in the background.
  await reopened.close();
  return await TestHub.open(hub.directory, options);
}

Deno.test("an upload goes on in the next process, with the parts that were confirmed", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(21 * MIB);
    const { key, links, parts, etags } = await begin(hub, bytes);
    await putPart(hub, links, 1, parts[0] ?? bytes);
    await putPart(hub, links, 4, (parts[3] ?? bytes).toReversed());
    await putPart(hub, links, 4, parts[3] ?? bytes);
    const next = await reopen(hub);
    for (const number of [2, 3, 5]) await putPart(next, links, number, parts[number - 1] ?? bytes);
    assertEquals((await next.validateParts(links, etags, md5(bytes))).status, 202);
    const file = await next.readVersion(key);
    assertEquals([file.status, file.plain_md5, file.sha256], ["secured", md5(bytes), sha256(bytes)]);
    assertEquals(md5(await stored(next, key)), md5(bytes));
    await next.close();
  }));

Deno.test("parts that were put together right before a kill are found, and are not asked for again", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(6 * MIB);
    const { key, links, parts, etags } = await begin(hub, bytes);
    for (const [i, part] of parts.entries()) await putPart(hub, links, i + 1, part);
    await hub.close();
    // What a kill leaves between moving the whole and committing that.
    const whole = `${hub.directory}/uploads/${links.upload_id}/whole`;
    const { ino, mtimeNs, size } = statSync(whole, { bigint: true });
    const hashes = { md5: md5(bytes), sha256: sha256(bytes), etag: md5(bytes) };
    const facts = { size: bytes.length, ...hashes, stamp: `${ino}:${mtimeNs}:${size}` };
    const db = new DatabaseSync(`${hub.directory}/hub.sqlite`);
    db.prepare("UPDATE uploads SET whole = ?").run(JSON.stringify(facts));
    db.close();
    Deno.mkdirSync(`${hub.directory}/objects/${key.uuid}`);
    Deno.renameSync(whole, `${hub.directory}/objects/${key.uuid}/${key.version_id}`);
    const next = await TestHub.open(hub.directory);
    assertEquals((await next.validateParts(links, etags.toReversed(), md5(bytes))).status, 400);
    assertEquals((await next.validateParts(links, etags, md5(bytes))).status, 202);
    assertEquals(md5(await stored(next, key)), md5(bytes));
    await next.close();
  }));

Deno.test("an upload is left alone for a day and gone after that", () => {
  let now = Date.UTC(2026, 0, 1);
  const env = { ...systemEnv, now: () => now };
  return withHub(async (hub) => {
    const bytes = randomBytes(6 * MIB);
    const { links, parts } = await begin(hub, bytes);
    await putPart(hub, links, 1, parts[0] ?? bytes);
    now += 25 * 3_600_000;
    let next = await reopen(hub, { env });
    assertEquals(leftOver(next), [links.upload_id]);
    now += 2 * 3_600_000;
    next = await reopen(next, { env });
    assertEquals(leftOver(next), []);
    await next.close();
  }, { env });
});

Deno.test("two openings of one hub do not write into one upload at the same time", () =>
  withHub(async (hub) => {
    const bytes = randomBytes(6 * MIB);
    const { links, parts, etags } = await begin(hub, bytes);
    await putPart(hub, links, 1, parts[0] ?? bytes);
    const other = await TestHub.open(hub.directory);
    assertEquals((await putPart(other, links, 2, parts[1] ?? bytes)).status, 503);
    await hub.close();
    assertEquals((await putPart(other, links, 2, parts[1] ?? bytes)).status, 200);
    assertEquals((await other.validateParts(links, etags, md5(bytes))).status, 202);
    await other.close();
  }));

Deno.test("a mutable version is replaced in parts; bytes with another md5 than announced stay unsecured", () =>
  withHub(async (hub) => {
    const dataset = await hub.dataset();
    const key = await hub.upload(dataset, bytesOf("first"), { immutable: false });
    const bytes = randomBytes(6 * MIB);
    await hub.beginParts(key);
    await hub.file(dataset, bytes.length, key);
    const links = await hub.beginParts(key);
    const parts = partsOf(bytes, links.part_size);
    for (const [i, part] of parts.entries()) await putPart(hub, links, i + 1, part);
    const etags = parts.map((part) => `"${md5(part)}"`);
    const wrong = await hub.validateParts(links, etags, md5(bytesOf("other")));
    assertEquals([wrong.status, (await hub.readVersion(key)).status], [400, "pending"]);
    assertEquals((await hub.validateParts(links, etags, md5(bytes))).status, 202);
    assertEquals(md5(await stored(hub, key)), md5(bytes));
  }));

Deno.test("who asks while the parts are still being put together is told to ask again, and finds it done", () => {
  // Patience is over at once.
  const env = { ...systemEnv, sleep: () => systemEnv.sleep(0) };
  return withHub(async (hub) => {
    const bytes = randomBytes(30 * MIB);
    const { links, parts, etags } = await begin(hub, bytes);
    await Promise.all(parts.map((part, i) => putPart(hub, links, i + 1, part)));
    const statuses = [];
    for (let status = 503; status === 503;) {
      const reply = await hub.validateParts(links, etags, md5(bytes));
      statuses.push(status = reply.status);
      if (status === 503) assertEquals(reply.headers.get("retry-after"), "1");
    }
    assertEquals([statuses[0], statuses.at(-1)], [503, 202]);
  }, { env });
});
