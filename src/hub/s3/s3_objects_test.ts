import { assert, assertEquals, assertMatch, assertStringIncludes } from "../../../tests/assert.ts";
import { type S3Server, withS3Server } from "../../../tests/s3_server.ts";
import { systemEnv } from "../../env.ts";
import { bytesOf, Detail, md5, partsOf, randomBytes, type TestHub, withHub } from "../test_hub.ts";
import { multipartEtag } from "./multipart_etag.ts";
import { S3Client } from "./s3_client.ts";
import { SqliteCatalogue } from "../sqlite/sqlite_catalogue.ts";
import { S3Objects } from "./s3_objects.ts";
import { checkStoreOptions } from "./store_options.ts";
import { textsOf } from "./xml.ts";

const MIB = 1024 * 1024;

/** Runs a test on a hub whose objects are in a real S3 server. */
function withS3Hub(test: (hub: TestHub, server: S3Server) => Promise<void>): Promise<void> {
  return withS3Server((server) =>
    withHub((hub) => test(hub, server), { store: { ...server.store, prefix: "lab-3/" } })
  );
}

/** PUT to the store itself, as clients send it. @returns the ETag */
async function put(url: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const headers = { "x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream" };
  const reply = await fetch(url, { method: "PUT", body, headers });
  assertEquals(reply.status, 200, await reply.text());
  return reply.headers.get("etag") ?? "";
}

async function download(hub: TestHub, key: { uuid: string; version_id: number }) {
  const reply = await fetch((await hub.readVersion(key)).S3_link ?? "");
  return { status: reply.status, headers: reply.headers, bytes: await reply.bytes() };
}

/** Names of what is stored below the prefix. */
async function stored(server: S3Server): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const file of Deno.readDir(`${server.folder}/lab-3`)) {
      for await (const version of Deno.readDir(`${server.folder}/lab-3/${file.name}`)) {
        names.push(`${file.name}/${version.name}`);
      }
    }
  } catch (e) {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
  }
  return names;
}

Deno.test("a file goes to an S3 store through a link, is checked there, and comes back by another link", () =>
  withS3Hub(async (hub, server) => {
    const bytes = randomBytes(70_000);
    const key = await hub.file(await hub.dataset(), bytes.length, { filename: 'my "file" µ.txt' });
    const link = await hub.uploadLink(key);
    assert(link.startsWith(`${server.store.endpoint}/etiket-test/lab-3/${key.uuid}/${key.version_id}?`));
    const refused = async (words: string) => {
      const reply = await hub.validate(key, md5(bytes));
      assertEquals(reply.status, 400);
      assertStringIncludes(Detail.parse(reply.body).detail, words);
      assertEquals((await hub.readVersion(key)).status, "pending");
    };
    await refused("nothing has been uploaded");
    await put(link, bytes.subarray(1));
    await refused("69999 bytes were uploaded");
    await put(link, bytes.toReversed());
    await refused("md5 of the uploaded bytes");
    await put(link, bytes);
    assertEquals((await hub.validate(key, md5(bytes))).status, 202);
    const file = await hub.readVersion(key);
    assertEquals([file.status, file.size, file.md5_checksum], ["secured", bytes.length, md5(bytes)]);
    assertEquals([file.plain_md5, file.sha256], [md5(bytes), null]);
    const back = await download(hub, key);
    assertEquals([back.status, back.bytes], [200, bytes]);
    assertStringIncludes(back.headers.get("content-disposition") ?? "", "my%20%22file%22%20%C2%B5.txt");
  }));

Deno.test("a file in parts: put together by the S3 store, secured, and no more is asked of a second validation", () =>
  withS3Hub(async (hub) => {
    const bytes = randomBytes(12 * MIB + 5);
    const key = await hub.file(await hub.dataset(), bytes.length);
    const links = await hub.beginParts(key);
    assertEquals([links.part_size, links.presigned_urls.length], [5 * MIB, 3]);
    const parts = partsOf(bytes, links.part_size);
    const etags = await Promise.all(parts.map((part, i) => put(links.presigned_urls[i] ?? "", part)));
    assertEquals(etags, parts.map((part) => `"${md5(part)}"`));
    for (const again of [false, true]) {
      const reply = await hub.validateParts(links, etags, md5(bytes));
      assertEquals([reply.status, reply.body], [202, null], `again: ${again}`);
    }
    const file = await hub.readVersion(key);
    assertEquals([file.status, file.size, file.md5_checksum, file.plain_md5, file.sha256], [
      "secured",
      bytes.length,
      md5(bytes),
      null,
      null,
    ]);
    assertEquals(file.etag, multipartEtag(etags));
    assertEquals((await download(hub, key)).bytes, bytes);
    assertEquals((await hub.validateParts({ ...links, upload_id: "other" }, etags, md5(bytes))).status, 403);
  }));

Deno.test("parts that are missing, wrong or too many are refused as S3 refuses them; the upload goes on", () =>
  withS3Hub(async (hub) => {
    const bytes = randomBytes(6 * MIB);
    const key = await hub.file(await hub.dataset(), bytes.length);
    const links = await hub.beginParts(key);
    const [first, second] = partsOf(bytes, links.part_size);
    assert(first && second);
    const etags = [await put(links.presigned_urls[0] ?? "", first), `"${md5(second)}"`];
    const refused = async (sent: string[], status: number, words: RegExp, upload = links) => {
      const reply = await hub.validateParts(upload, sent, md5(bytes));
      assertEquals(reply.status, status);
      assertMatch(Detail.parse(reply.body).detail, words);
    };
    await refused(etags, 400, /^InvalidPart/);
    await refused(etags.slice(0, 1), 400, /^InvalidPart/);
    await refused([...etags, etags[0] ?? ""], 400, /^InvalidPart/);
    await refused(etags, 404, /^NoSuchUpload/, { ...links, upload_id: crypto.randomUUID() });
    await put(links.presigned_urls[1] ?? "", first.subarray(0, second.length));
    await refused(etags, 400, /^InvalidPart/);
    await put(links.presigned_urls[1] ?? "", second);
    assertEquals((await hub.validateParts(links, etags, md5(bytes))).status, 202);
    assertEquals((await download(hub, key)).bytes, bytes);
  }));

Deno.test("a completion whose reply was lost is found done", () =>
  withS3Hub(async (hub, server) => {
    const bytes = randomBytes(5 * MIB + 1);
    const key = await hub.file(await hub.dataset(), bytes.length);
    const links = await hub.beginParts(key);
    const parts = partsOf(bytes, links.part_size);
    const etags = await Promise.all(parts.map((part, i) => put(links.presigned_urls[i] ?? "", part)));
    // A hub with the same catalogue that dies right after the store has put the parts together.
    const client = new S3Client(checkStoreOptions(server.store), systemEnv);
    await client.send({
      method: "POST",
      object: `lab-3/${key.uuid}/${key.version_id}`,
      query: { uploadId: links.upload_id },
      body: `<CompleteMultipartUpload>${
        etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join("")
      }</CompleteMultipartUpload>`,
    });
    assertEquals((await hub.validateParts(links, etags, md5(bytes))).status, 202);
    assertEquals((await download(hub, key)).bytes, bytes);
  }));

Deno.test("an aborted or replaced upload takes no more parts and cannot be completed", () =>
  withS3Hub(async (hub) => {
    const bytes = bytesOf("one part");
    const key = await hub.file(await hub.dataset(), bytes.length);
    const replaced = await hub.beginParts(key);
    const aborted = await hub.beginParts(key);
    assertEquals((await hub.abortParts(aborted)).status, 202);
    assertEquals((await hub.abortParts(aborted)).status, 404);
    const open = await hub.beginParts(key);
    for (const ended of [replaced, aborted]) {
      const reply = await hub.validateParts(ended, [`"${md5(bytes)}"`], md5(bytes));
      assertEquals(reply.status, 404);
    }
    const late = await fetch(aborted.presigned_urls[0] ?? "", { method: "PUT", body: bytes });
    assertEquals([late.status, /NoSuchUpload/.test(await late.text())], [404, true]);
    const etag = await put(open.presigned_urls[0] ?? "", bytes);
    assertEquals((await hub.validateParts(open, [etag], md5(bytes))).status, 202);
  }));

Deno.test("uploads that a hub began and forgot are aborted later, known ones and those of others are left alone", () =>
  withS3Server(async (server) => {
    const store = checkStoreOptions({ ...server.store, prefix: "lab-3/" });
    const client = new S3Client(store, systemEnv);
    const folder = await Deno.makeTempDir();
    const catalogue = new SqliteCatalogue(`${folder}/hub.sqlite`, systemEnv);
    const objects = new S3Objects(store, catalogue.files, catalogue.uploads, systemEnv);
    const upload = () => ({ uuid: crypto.randomUUID(), version_id: 1, size: 1, part_size: 5 * MIB });
    const [known, forgotten] = [upload(), upload()];
    catalogue.uploads.begin({ ...known, id: await objects.beginUpload(known) });
    await objects.beginUpload(forgotten);
    const stranger = "lab-3/of another program";
    await client.send({ method: "POST", object: stranger, query: { uploads: "" } });
    const open = async () =>
      textsOf((await client.send({ method: "GET", query: { uploads: "" } })).text, "Key").toSorted();
    const nameOf = ({ uuid }: { uuid: string }) => `lab-3/${uuid}/1`;
    await objects.discardUnknownUploads(Date.now() - 3_600_000);
    assertEquals(await open(), [nameOf(known), nameOf(forgotten), stranger].toSorted());
    await objects.discardUnknownUploads(Date.now() + 3_600_000);
    assertEquals(await open(), [nameOf(known), stranger].toSorted());
    catalogue.close();
    await Deno.remove(folder, { recursive: true });
  }));

Deno.test("objects of deleted files leave the store, others stay", () =>
  withS3Hub(async (hub, server) => {
    const [gone, kept] = [await hub.dataset(), await hub.dataset()];
    const keys = [];
    for (const dataset of [gone, gone, kept]) {
      const key = await hub.file(dataset, 1, { name: crypto.randomUUID() });
      await put(await hub.uploadLink(key), bytesOf("x"));
      assertEquals((await hub.validate(key, md5(bytesOf("x")))).status, 202);
      keys.push(key);
    }
    assertEquals((await stored(server)).length, 3);
    await hub.expect(200, "DELETE", `/api/v2/dataset/?dataset_uuid=${gone}`);
    assertEquals(await stored(server), [`${keys[2]?.uuid}/${keys[2]?.version_id}`]);
  }));

Deno.test("a store that does not answer or refuses the hub is said so, and the file stays pending", async () => {
  const store = { bucket: "some-bucket", region: "us-east-1", accessKeyId: "a", secretAccessKey: "b" };
  const env = { ...systemEnv, sleep: () => Promise.resolve() };
  await withHub(async (hub) => {
    const key = await hub.file(await hub.dataset(), 1);
    await hub.uploadLink(key);
    const reply = await hub.validate(key, md5(bytesOf("x")));
    assertEquals([reply.status, reply.headers.get("retry-after")], [503, "1"]);
    assertMatch(Detail.parse(reply.body).detail, /did not answer/);
    assertEquals((await hub.readVersion(key)).status, "pending");
  }, {
    store: { ...store, endpoint: "http://127.0.0.1:1" },
    env: { ...env, sleep: () => Promise.resolve() },
  });
});
