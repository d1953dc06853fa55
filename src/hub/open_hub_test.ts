import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { openHub } from "./open_hub.ts";
import { bytesOf, fileBytesOf, md5, TestHub } from "./test_hub.ts";

async function withFolder(test: (directory: string) => Promise<void> | void): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "hub_" });
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("what was uploaded before a reopening is there after it, with the same scope and old links", () =>
  withFolder(async (directory) => {
    let hub = await TestHub.open(`${directory}/made/on the way`);
    const scope = hub.scope;
    const key = await hub.upload(await hub.dataset(), bytesOf("kept"));
    const link = (await hub.readVersion(key)).S3_link ?? "";
    await hub.close();
    assertEquals((await hub.fetch("/api/v3/me")).status, 503);
    hub = await TestHub.open(`${directory}/made/on the way`);
    assertEquals(hub.scope, scope);
    assertEquals(await (await hub.fetch(link)).text(), "kept");
    await hub.close();
  }));

Deno.test("closing waits for an upload under way", () =>
  withFolder(async (directory) => {
    const hub = await TestHub.open(directory);
    const bytes = bytesOf("slow");
    const key = await hub.file(await hub.dataset(), bytes.length);
    const link = await hub.uploadLink(key);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const headers = { "content-length": String(bytes.length) };
    const put = hub.fetch(link, { method: "PUT", body: readable, headers });
    const closed = hub.close();
    const writer = writable.getWriter();
    await writer.write(bytes);
    await writer.close();
    assertEquals((await put).status, 200);
    await closed;
    const again = await TestHub.open(directory);
    assertEquals((await again.validate(key, md5(bytes))).status, 202);
    await again.close();
  }));

Deno.test("objects of records that were deleted just before a kill go when the hub opens again, others stay", () =>
  withFolder(async (directory) => {
    let hub = await TestHub.open(directory);
    const gone = await hub.upload(await hub.dataset(), fileBytesOf("gone"));
    const kept = await hub.upload(await hub.dataset(), fileBytesOf("kept"));
    await hub.close();
    // What a kill between committing a deletion and removing the objects leaves.
    const db = new DatabaseSync(`${directory}/hub.sqlite`);
    db.prepare("INSERT INTO removed_files VALUES (?), (?)").run(gone.uuid, kept.uuid);
    db.prepare("DELETE FROM files WHERE uuid = ?").run(gone.uuid);
    db.close();
    hub = await TestHub.open(directory);
    await hub.close();
    assertEquals([...Deno.readDirSync(`${directory}/objects`)].map((entry) => entry.name), [kept.uuid]);
  }));

Deno.test("a hub of the first version opens with everything that it had", () =>
  withFolder(async (directory) => {
    let hub = await TestHub.open(directory);
    const dataset = await hub.dataset();
    const secured = await hub.upload(dataset, fileBytesOf("secured"), { name: "secured" });
    const bytes = fileBytesOf("pending");
    const pending = await hub.file(dataset, bytes.length, { name: "pending" });
    await hub.put(await hub.uploadLink(pending), bytes);
    await hub.close();
    const db = new DatabaseSync(`${directory}/hub.sqlite`);
    db.exec(
      `DROP TABLE kept_objects; DROP TABLE upload_parts; DROP TABLE uploads; ALTER TABLE files DROP COLUMN object_upload;
             ALTER TABLE files DROP COLUMN object_etag; PRAGMA user_version = 1`,
    );
    db.close();
    hub = await TestHub.open(directory);
    assertEquals((await hub.validate(pending, md5(bytes))).status, 202);
    for (const [key, text] of [[secured, "secured"], [pending, "pending"]] as const) {
      const stored = await (await hub.fetch((await hub.readVersion(key)).S3_link ?? "")).bytes();
      assertEquals(md5(stored), md5(fileBytesOf(text)));
      assertEquals((await hub.readVersion(key)).etag, md5(fileBytesOf(text)));
    }
    await hub.close();
  }));

Deno.test("two openings in one process share the hub; neither removes the other's unfinished uploads", () =>
  withFolder(async (directory) => {
    const [one, two] = [await TestHub.open(directory), await TestHub.open(directory)];
    const bytes = bytesOf("shared");
    const key = await one.file(await two.dataset(), bytes.length);
    const link = await two.uploadLink(key);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const put = one.fetch(link, {
      method: "PUT",
      body: readable,
      headers: { "content-length": String(bytes.length) },
    });
    const writer = writable.getWriter();
    await writer.write(bytes.subarray(0, 3));
    const three = await TestHub.open(directory);
    await writer.write(bytes.subarray(3));
    await writer.close();
    assertEquals((await put).status, 200);
    assertEquals((await three.validate(key, md5(bytes))).status, 202);
    assertEquals((await two.readVersion(key)).status, "secured");
    for (const hub of [one, two, three]) await hub.close();
    assertEquals([...Deno.readDirSync(`${directory}/incoming`)].map((entry) => entry.name), ["guard"]);
  }));

Deno.test("a catalogue that is damaged or newer than this program is refused with a hint", () =>
  withFolder(async (directory) => {
    Deno.writeTextFileSync(`${directory}/hub.sqlite`, "this is no database, ".repeat(100));
    const damaged = assertThrows(() => openHub({ directory, env: systemEnv }));
    assert(damaged instanceof SyncError);
    assertEquals([damaged.code, damaged.class], ["hub_unreadable", "local"]);
    assertStringIncludes(damaged.message, `${directory}/hub.sqlite`);
    Deno.removeSync(`${directory}/hub.sqlite`);
    await (await TestHub.open(directory)).close();
    const db = new DatabaseSync(`${directory}/hub.sqlite`);
    db.exec("PRAGMA user_version = 999");
    db.close();
    const newer = assertThrows(() => openHub({ directory, env: systemEnv }));
    assert(newer instanceof SyncError && newer.code === "hub_too_new" && newer.hint !== "");
  }));

Deno.test("an object store that is described wrongly is refused, with what is wrong about it", () =>
  withFolder((directory) => {
    const right = {
      bucket: "data",
      endpoint: "https://s3.example.org",
      accessKeyId: "a",
      secretAccessKey: "b",
    };
    for (
      const wrong of [{ bucket: "A" }, { endpoint: "s3.example.org" }, { accessKeyId: "" }, { prefix: "a b" }]
    ) {
      const refused = assertThrows(() =>
        openHub({ directory, env: systemEnv, store: { ...right, ...wrong } })
      );
      assert(refused instanceof SyncError && refused.code === "store_invalid");
      assertStringIncludes(refused.message, Object.keys(wrong)[0] ?? "");
    }
  }));

Deno.test({
  name: "nobody but the owner can read what a hub stores",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (directory) => {
      Deno.chmodSync(directory, 0o755);
      const hub = await TestHub.open(directory);
      const key = await hub.upload(await hub.dataset(), fileBytesOf("secret"));
      const object = `objects/${key.uuid}/${key.version_id}`;
      for (const name of ["hub.sqlite", "hub.sqlite-wal", "objects", "incoming", "uploads", object]) {
        assertEquals((Deno.statSync(`${directory}/${name}`).mode ?? 0) & 0o077, 0, name);
      }
      await hub.close();
    }),
});

Deno.test("an upload that is aborted with anything is answered, not thrown", () =>
  withFolder(async (directory) => {
    const hub = await TestHub.open(directory);
    const link = await hub.uploadLink(await hub.file(await hub.dataset(), 5));
    for (const reason of ["gone", new Error("gone"), undefined]) {
      const body = new ReadableStream({ pull: (controller) => controller.error(reason) });
      const reply = await hub.fetch(link, { method: "PUT", body, headers: { "content-length": "5" } });
      assertEquals([reply.status, typeof await reply.json()], [500, "object"]);
    }
    await hub.close();
  }));
