import { z } from "zod";
import { assert, assertEquals, assertStringIncludes } from "../../tests/assert.ts";
import { bytesOf, Detail, FileReply, md5, sha256, withHub } from "./test_hub.ts";

Deno.test("a file is announced, pending with its link, secured after validation, and comes back byte for byte", () =>
  withHub(async (hub) => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const key = await hub.file(await hub.dataset(), bytes.length);
    let file = await hub.readVersion(key);
    assertEquals([file.status, file.immutable, file.ranking, file.md5_checksum], [
      "announced",
      true,
      0,
      null,
    ]);
    assertEquals([file.S3_link, file.S3_validity], [null, null]);

    const url = await hub.uploadLink(key);
    file = await hub.readVersion(key);
    assertEquals([file.status, file.S3_link], ["pending", null]);

    const put = await hub.put(url, bytes);
    assertEquals(put.status, 200);
    assertEquals(put.headers.get("etag"), `"${md5(bytes)}"`);
    assertEquals(put.headers.get("content-md5"), Uint8Array.fromHex(md5(bytes)).toBase64());
    assertEquals((await hub.readVersion(key)).status, "pending");

    const validated = await hub.validate(key, md5(bytes));
    assertEquals([validated.status, validated.body], [202, null]);
    file = await hub.readVersion(key);
    assertEquals([file.status, file.size, file.md5_checksum], ["secured", bytes.length, md5(bytes)]);
    assertEquals([file.plain_md5, file.sha256], [md5(bytes), sha256(bytes)]);
    assert((file.S3_validity ?? 0) > Date.now() / 1000 + 86_000);

    const download = await hub.fetch(file.S3_link ?? "");
    assertEquals(download.status, 200);
    assertEquals(download.headers.get("etag"), `"${md5(bytes)}"`);
    assertEquals(download.headers.get("content-length"), "60000");
    assertEquals(await download.bytes(), bytes);
  }));

Deno.test("an empty file is uploaded like any other", () =>
  withHub(async (hub) => {
    const key = await hub.upload(await hub.dataset(), new Uint8Array(0));
    const file = await hub.readVersion(key);
    assertEquals([file.status, file.md5_checksum], ["secured", "d41d8cd98f00b204e9800998ecf8427e"]);
    const download = await hub.fetch(file.S3_link ?? "");
    assertEquals([download.status, (await download.bytes()).length], [200, 0]);
  }));

Deno.test("creating a file answers 404 for an unknown dataset and 409 for a known version or a uuid of another file", () =>
  withHub(async (hub) => {
    const dataset = await hub.dataset();
    const key = await hub.file(dataset, 1);
    const body = {
      ...key,
      name: "data.bin",
      filename: "data.bin",
      creator: "",
      collected: "2026-03-01T12:00:00Z",
      size: 1,
      type: "JSON",
      ds_uuid: dataset,
    };
    Detail.parse(await hub.expect(409, "POST", "/api/v2/file/", body));
    Detail.parse(await hub.expect(409, "POST", "/api/v2/file/", { ...body, version_id: 7, name: "other" }));
    const unknown = { ...body, uuid: crypto.randomUUID(), ds_uuid: crypto.randomUUID() };
    Detail.parse(await hub.expect(404, "POST", "/api/v2/file/", unknown));
    assertEquals(await hub.expect(201, "POST", "/api/v2/file/", { ...body, version_id: 7 }), null);
    for (
      const wrong of [{ type: "PDF" }, { size: -1 }, { version_id: 0 }, { version_id: 1.5 }, { uuid: ".." }]
    ) {
      await hub.expect(422, "POST", "/api/v2/file/", { ...body, ...wrong });
    }
  }));

Deno.test("versions are found by uuid, by version and by name", () =>
  withHub(async (hub) => {
    const dataset = await hub.dataset();
    const { uuid } = await hub.file(dataset, 1, { version_id: 20 });
    await hub.file(dataset, 1, { uuid, version_id: 10 });
    const versions = async (path: string) =>
      z.array(FileReply).parse(await hub.expect(200, "GET", path)).map((file) => file.version_id);
    assertEquals(await versions(`/api/v2/file/read/?uuid=${uuid}`), [10, 20]);
    assertEquals(await versions(`/api/v2/file/read/?uuid=${uuid}&version_id=20`), [20]);
    assertEquals(await versions(`/api/v2/file/read/?uuid=${uuid}&version_id=30`), []);
    assertEquals(await versions(`/api/v2/file/by_name/?dataset_uuid=${dataset}&name=data.bin`), [10, 20]);
    assertEquals(await versions(`/api/v2/file/by_name/?dataset_uuid=${dataset}&name=nothing`), []);
    Detail.parse(await hub.expect(403, "GET", `/api/v2/file/read/?uuid=${crypto.randomUUID()}`));
    assertEquals((await hub.readDataset(dataset)).files.length, 2);
  }));

Deno.test("ranking changes alone; a file can be deleted with its bytes", () =>
  withHub(async (hub) => {
    const key = await hub.upload(await hub.dataset(), bytesOf("x"));
    const path = `/api/v2/file/?uuid=${key.uuid}&version_id=${key.version_id}`;
    assertEquals(await hub.expect(200, "PATCH", path, { ranking: -1 }), null);
    const file = await hub.readVersion(key);
    assertEquals([file.ranking, file.status], [-1, "secured"]);
    await hub.expect(404, "PATCH", `/api/v2/file/?uuid=${key.uuid}&version_id=1`, { ranking: -1 });
    assertEquals(await hub.expect(200, "DELETE", `/api/v2/file/?file_uuid=${key.uuid}`), null);
    await hub.expect(404, "DELETE", `/api/v2/file/?file_uuid=${key.uuid}`);
    assertEquals((await hub.fetch(file.S3_link ?? "")).status, 404);
    assertEquals([...Deno.readDirSync(`${hub.directory}/objects`)], []);
  }));

Deno.test("an immutable secured version can never be written again", () =>
  withHub(async (hub) => {
    const bytes = bytesOf("final");
    const key = await hub.file(await hub.dataset(), bytes.length);
    const oldLink = await hub.uploadLink(key);
    await hub.put(oldLink, bytes);
    assertEquals((await hub.validate(key, md5(bytes))).status, 202);
    assertEquals((await hub.put(oldLink, bytesOf("fake!"))).status, 403);
    const presign =
      `/api/v2/file/presigned_link/single_part/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
    Detail.parse(await hub.expect(403, "GET", presign));
    Detail.parse((await hub.validate(key, md5(bytes))).body);
    assertEquals((await hub.validate(key, md5(bytes))).status, 403);
    const file = await hub.readVersion(key);
    assertEquals([file.status, file.md5_checksum], ["secured", md5(bytes)]);
    assertEquals(await (await hub.fetch(file.S3_link ?? "")).bytes(), bytes);
  }));

Deno.test("a mutable version takes new bytes through a new link, until it is marked immutable", () =>
  withHub(async (hub) => {
    const key = await hub.upload(await hub.dataset(), bytesOf("one"), { immutable: false });
    const link = await hub.uploadLink(key);
    assertEquals((await hub.readVersion(key)).md5_checksum, null);
    assertEquals((await hub.put(link, bytesOf("longer"))).status, 200);
    assertEquals((await hub.validate(key, md5(bytesOf("longer")))).status, 202);
    assertEquals((await hub.put(link, bytesOf("old"))).status, 403);
    const file = await hub.readVersion(key);
    assertEquals([file.size, await (await hub.fetch(file.S3_link ?? "")).text()], [6, "longer"]);
    const mark = { file_uuid: key.uuid, version_id: key.version_id };
    assertEquals(await hub.expect(202, "POST", "/api/v2/file/mark_immutable/", mark), null);
    assertEquals((await hub.readVersion(key)).immutable, true);
    const presign =
      `/api/v2/file/presigned_link/single_part/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
    await hub.expect(403, "GET", presign);
    await hub.expect(404, "POST", "/api/v2/file/mark_immutable/", { ...mark, version_id: 1 });
  }));

Deno.test("an upload that was given up can be announced again with another size, a secured one cannot", () =>
  withHub(async (hub) => {
    const dataset = await hub.dataset();
    const key = await hub.file(dataset, 100);
    await hub.uploadLink(key);
    const bytes = bytesOf("other");
    await hub.file(dataset, bytes.length, key);
    assertEquals((await hub.put(await hub.uploadLink(key), bytes)).status, 200);
    assertEquals((await hub.validate(key, md5(bytes))).status, 202);
    const file = await hub.readVersion(key);
    assertEquals([file.status, file.size], ["secured", 5]);
    await hub.expect(409, "POST", "/api/v2/file/", {
      ...file,
      size: 7,
      ds_uuid: dataset,
      collected: "2026-03-01T12:00:00Z",
    });
  }));

Deno.test("validation is refused while nothing, too little or something else was uploaded, and the file stays pending", () =>
  withHub(async (hub) => {
    const bytes = bytesOf("right bytes");
    const key = await hub.file(await hub.dataset(), bytes.length);
    const refused = async (status: number, words: string, sent = md5(bytes)) => {
      const reply = await hub.validate(key, sent);
      assertEquals(reply.status, status);
      assertStringIncludes(Detail.parse(reply.body).detail, words);
      assertEquals((await hub.readVersion(key)).status, "pending");
    };
    const link = await hub.uploadLink(key);
    await refused(400, "nothing has been uploaded");
    await hub.put(link, bytesOf("short"));
    await refused(400, "5 bytes were uploaded, 11 were announced", md5(bytesOf("short")));
    await hub.put(link, bytesOf("wrong bytes"));
    await refused(400, md5(bytesOf("wrong bytes")));
    await hub.put(link, bytes);
    assertEquals((await hub.validate(key, md5(bytes).toUpperCase())).status, 202);
    assertEquals((await hub.validate({ ...key, version_id: 5 }, md5(bytes))).status, 404);
    assertEquals((await hub.validate(key, "")).status, 422);
  }));

Deno.test("a netCDF file may be validated with its content md5; the hub keeps the md5 of the bytes beside it", () =>
  withHub(async (hub) => {
    const bytes = bytesOf("pretend netCDF");
    const contentMd5 = "0123456789abcdef0123456789abcdef";
    const dataset = await hub.dataset();
    for (const [type, status] of [["HDF5_NETCDF", 202], ["HDF5", 400]] as const) {
      const key = await hub.file(dataset, bytes.length, { type, name: type });
      await hub.put(await hub.uploadLink(key), bytes);
      assertEquals((await hub.validate(key, contentMd5)).status, status, type);
      const file = await hub.readVersion(key);
      if (status !== 202) continue;
      assertEquals([file.md5_checksum, file.plain_md5, file.sha256], [contentMd5, md5(bytes), sha256(bytes)]);
    }
  }));

Deno.test("presigning an unknown version is refused", () =>
  withHub(async (hub) => {
    const path = `/api/v2/file/presigned_link/single_part/?file_uuid=${crypto.randomUUID()}&version_id=5`;
    Detail.parse(await hub.expect(403, "GET", path));
    await hub.expect(422, "GET", "/api/v2/file/presigned_link/single_part/?file_uuid=..%2F..&version_id=5");
    await hub.expect(422, "GET", `/api/v2/file/read/?uuid=${crypto.randomUUID()}&version_id=1e3`);
  }));

Deno.test("an upload during validation never leaves a secured version with other bytes than were validated", () =>
  withHub(async (hub) => {
    const [right, other] = [bytesOf("right bytes"), bytesOf("other bytes")];
    const dataset = await hub.dataset();
    const outcomes = new Set<number>();
    for (let n = 0; n < 40; n++) {
      const key = await hub.file(dataset, right.length, { name: `file ${n}` });
      const link = await hub.uploadLink(key);
      await hub.put(link, right);
      const late = hub.put(link, other);
      // Anywhere between before and after the late upload is put in place.
      for (let turn = 0; turn < n % 20; turn++) await Deno.stat(hub.directory);
      outcomes.add((await hub.validate(key, md5(right))).status);
      await late;
      const file = await hub.readVersion(key);
      if (file.status === "secured") assertEquals(await (await hub.fetch(file.S3_link ?? "")).bytes(), right);
    }
    // In time, too late because the other bytes are there, or because they came in between.
    for (const outcome of outcomes) assert([202, 400, 409].includes(outcome), String(outcome));
  }));
