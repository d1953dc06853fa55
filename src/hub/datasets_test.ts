import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "../../tests/assert.ts";
import { bytesOf, DatasetReply, Detail, fileBytesOf, type TestHub, withHub } from "./test_hub.ts";

/** A second scope; returns its uid. */
async function newScope(hub: TestHub, name: string): Promise<string> {
  const uid = crypto.randomUUID();
  await hub.expect(201, "POST", "/api/v3/scopes", { name, uid, description: "", bucket_uuid: uid });
  return uid;
}

const datasetBody = (hub: TestHub, fields: Record<string, unknown>) => ({
  uuid: crypto.randomUUID(),
  collected: "2026-03-01T12:00:00+00:00",
  name: "run",
  creator: "",
  keywords: [],
  ranking: 0,
  scope_uuid: hub.scope,
  ...fields,
});

Deno.test("a dataset is read back as it was created, with its scope in both spellings", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset({
      alt_uid: "qcodes-guid-1",
      collected: "2026-03-01T13:00:00.123456+01:00",
      name: "T1 ± 3 µs",
      description: "with 'quotes' \"and\" more",
      keywords: ["a", "b"],
      ranking: 2,
      attributes: { sample: "S7", "z key": "1e-09" },
    });
    const read = await hub.readDataset(uuid);
    assertEquals(read.collected, "2026-03-01T12:00:00.123456+00:00");
    assertEquals(
      [read.alt_uid, read.name, read.description, read.notes, read.keywords, read.ranking, read.attributes],
      ["qcodes-guid-1", "T1 ± 3 µs", "with 'quotes' \"and\" more", null, ["a", "b"], 2, {
        sample: "S7",
        "z key": "1e-09",
      }],
    );
    assertEquals([read.scope.uid, read.scope.uuid, read.scope.name], [hub.scope, hub.scope, "default"]);
    assertEquals([read.scope.is_archived, read.scope.archived, read.files], [false, false, []]);
  }));

Deno.test("creating answers 400 for a used uuid or alt_uid and for an alt_uid equal to the uuid, 403 for an unknown scope", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset({ alt_uid: "a1" });
    const other = await newScope(hub, "other scope");
    const refused = async (status: number, fields: Record<string, unknown>, words: string) => {
      const body = await hub.expect(status, "POST", "/api/v2/dataset/", datasetBody(hub, fields));
      assertStringIncludes(Detail.parse(body).detail, words);
    };
    await refused(400, { uuid }, "exists");
    await refused(400, { alt_uid: "a1" }, "exists");
    const same = crypto.randomUUID();
    await refused(400, { uuid: same, alt_uid: same.toUpperCase() }, "equal");
    await refused(403, { scope_uuid: crypto.randomUUID() }, "no access");
    await hub.dataset({ alt_uid: "a1", scope_uuid: other });
  }));

Deno.test("a not-found answer of v2 has no `error` field", () =>
  withHub(async (hub) => {
    const unknown = crypto.randomUUID();
    for (
      const path of [
        `/api/v2/dataset/?dataset_uuid=${unknown}`,
        `/api/v2/dataset/by_uuid_or_alt_uid/?dataset_uuid_or_uid=nothing`,
        `/api/v2/dataset/by_alt_uid/?dataset_alt_uid=nothing&scope_uuid=${hub.scope}`,
      ]
    ) {
      Detail.parse(await hub.expect(404, "GET", path));
    }
    Detail.parse(await hub.expect(404, "PATCH", `/api/v2/dataset/?dataset_uuid=${unknown}`, {}));
    Detail.parse(await hub.expect(404, "DELETE", `/api/v2/dataset/?dataset_uuid=${unknown}`));
  }));

Deno.test("by uuid or alt_uid: the uuid wins, one alt_uid in two scopes is 406 until the scope is named", () =>
  withHub(async (hub) => {
    const other = await newScope(hub, "other scope");
    const first = await hub.dataset({ alt_uid: "twice" });
    const second = await hub.dataset({ alt_uid: "twice", scope_uuid: other });
    const decoy = await hub.dataset({ alt_uid: first.toUpperCase() });
    const path = "/api/v2/dataset/by_uuid_or_alt_uid/?dataset_uuid_or_uid=";
    const uuidAt = async (query: string) =>
      DatasetReply.parse(await hub.expect(200, "GET", path + query)).uuid;
    assertEquals(await uuidAt(first), first);
    assertNotEquals(first, decoy);
    Detail.parse(await hub.expect(406, "GET", `${path}twice`));
    assertEquals(await uuidAt(`twice&scope_uuid=${other}`), second);
    await hub.expect(403, "GET", `${path}twice&scope_uuid=${crypto.randomUUID()}`);
    await hub.expect(404, "GET", `/api/v2/dataset/?dataset_uuid=${first}&scope_uuid=${other}`);
    const byAltUid = await hub.expect(
      200,
      "GET",
      `/api/v2/dataset/by_alt_uid/?dataset_alt_uid=twice&scope_uuid=${other}`,
    );
    assertEquals(DatasetReply.parse(byAltUid).uuid, second);
  }));

Deno.test("an update leaves null and absent fields alone and replaces attributes only by a non-empty set", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset({
      description: "d",
      keywords: ["k"],
      ranking: 1,
      attributes: { a: "1", b: "2" },
    });
    const path = `/api/v2/dataset/?dataset_uuid=${uuid}`;
    const nothing = {
      alt_uid: null,
      name: null,
      description: null,
      notes: null,
      keywords: null,
      ranking: null,
      attributes: null,
    };
    assertEquals(await hub.expect(200, "PATCH", path, { ...nothing, notes: "seen" }), null);
    let read = await hub.readDataset(uuid);
    assertEquals([read.description, read.keywords, read.ranking, read.notes], ["d", ["k"], 1, "seen"]);
    assertEquals(read.attributes, { a: "1", b: "2" });
    await hub.expect(200, "PATCH", path, { attributes: {}, keywords: [], ranking: 0, alt_uid: "late" });
    read = await hub.readDataset(uuid);
    assertEquals([read.attributes, read.keywords, read.ranking, read.alt_uid], [
      { a: "1", b: "2" },
      [],
      0,
      "late",
    ]);
    await hub.expect(200, "PATCH", path, { attributes: { b: "3" }, alt_uid: "late" });
    assertEquals((await hub.readDataset(uuid)).attributes, { b: "3" });
    await hub.dataset({ alt_uid: "taken" });
    await hub.expect(400, "PATCH", path, { alt_uid: "taken" });
    await hub.expect(400, "PATCH", path, { alt_uid: uuid });
  }));

Deno.test("`modified` moves when a dataset changes and when a file is added", async () => {
  let now = Date.UTC(2026, 0, 1);
  const { systemEnv } = await import("../env.ts");
  await withHub(async (hub) => {
    const uuid = await hub.dataset();
    const modified = async () => (await hub.readDataset(uuid)).modified;
    assertEquals(await modified(), "2026-01-01T00:00:00.000000+00:00");
    now += 1500;
    await hub.expect(200, "PATCH", `/api/v2/dataset/?dataset_uuid=${uuid}`, { ranking: 1 });
    assertEquals(await modified(), "2026-01-01T00:00:01.500000+00:00");
    now += 1500;
    await hub.file(uuid, 1);
    assertEquals(await modified(), "2026-01-01T00:00:03.000000+00:00");
  }, { env: { ...systemEnv, now: () => now } });
});

Deno.test("a move keeps uuid, files and bytes, and is refused where the alt_uid is taken", () =>
  withHub(async (hub) => {
    const target = await newScope(hub, "target scope");
    const uuid = await hub.dataset({ alt_uid: "m1" });
    const bytes = bytesOf("measured");
    const key = await hub.upload(uuid, bytes);
    const move = (scope: string, dataset = uuid) =>
      hub.call("POST", `/api/v2/dataset/move/?dataset_uuid=${dataset}&scope_uuid=${scope}`);
    assertEquals((await move(target)).status, 200);
    assertEquals((await move(target)).status, 200);
    const read = await hub.readDataset(uuid);
    assertEquals([read.scope.uid, read.files.length, read.files[0]?.uuid], [target, 1, key.uuid]);
    const download = await hub.fetch(read.files[0]?.S3_link ?? "");
    assertEquals(await download.bytes(), bytes);
    await hub.dataset({ alt_uid: "m1" });
    assertEquals((await move(hub.scope)).status, 400);
    assertEquals((await move(crypto.randomUUID())).status, 403);
    assertEquals((await move(target, crypto.randomUUID())).status, 404);
  }));

Deno.test("deleting a dataset takes its files and their bytes along", () =>
  withHub(async (hub) => {
    const uuid = await hub.dataset({ alt_uid: "gone" });
    const key = await hub.upload(uuid, fileBytesOf("x"));
    const small = await hub.upload(uuid, bytesOf("small"), { name: "small" });
    const announced = await hub.file(uuid, 3, { name: "never uploaded" });
    assert(await Deno.stat(`${hub.directory}/objects/${key.uuid}/${key.version_id}`));
    assertEquals(await hub.expect(200, "DELETE", `/api/v2/dataset/?dataset_uuid=${uuid}`), null);
    await hub.expect(404, "GET", `/api/v2/dataset/?dataset_uuid=${uuid}`);
    await hub.expect(403, "GET", `/api/v2/file/read/?uuid=${key.uuid}`);
    await hub.expect(403, "GET", `/api/v2/file/read/?uuid=${announced.uuid}`);
    assertEquals([...Deno.readDirSync(`${hub.directory}/objects`)], []);
    using db = new DatabaseSync(`${hub.directory}/hub.sqlite`, { readOnly: true });
    assertEquals(db.prepare("SELECT file_id FROM kept_objects").all(), [], small.uuid);
    await hub.dataset({ uuid, alt_uid: "gone" });
  }));

Deno.test("a user who is no administrator can not delete", async () => {
  const user = {
    sub: "student",
    firstname: "",
    lastname: "",
    email: null,
    role: "user" as const,
    is_enabled: true,
    created: "2026-01-01T00:00:00.000000+00:00",
    modified: "2026-01-01T00:00:00.000000+00:00",
  };
  await withHub(async (hub) => {
    const uuid = await hub.dataset();
    Detail.parse(await hub.expect(403, "DELETE", `/api/v2/dataset/?dataset_uuid=${uuid}`));
    await hub.readDataset(uuid);
    const body = await hub.expect(403, "DELETE", `/api/v3/scopes/${hub.scope}`);
    assertEquals(z.looseObject({ error: z.string() }).parse(body).error, "permissions_insufficient");
  }, { authenticate: () => user });
});

Deno.test("a body that does not fit is answered 422 with the names of the fields", () =>
  withHub(async (hub) => {
    const Problems = z.object({
      detail: z.array(
        z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string(), type: z.string() }),
      ),
    });
    const fields = async (fieldsOfBody: Record<string, unknown>) => {
      const body = await hub.expect(422, "POST", "/api/v2/dataset/", datasetBody(hub, fieldsOfBody));
      return Problems.parse(body).detail.map((problem) => problem.loc.join("."));
    };
    assertEquals(await fields({ uuid: "../../etc/passwd", ranking: 1.5 }), ["body.uuid", "body.ranking"]);
    assertEquals(await fields({ collected: "2026-03-01T12:00:00" }), ["body.collected"]);
    assertEquals(await fields({ attributes: { n: 1 } }), ["body.attributes.n"]);
    assertEquals(await fields({ keywords: ["a", 2] }), ["body.keywords.1"]);
    assertEquals(await fields({ name: undefined }), ["body.name"]);
    const broken = await hub.fetch("/api/v2/dataset/", { method: "POST", body: "{not json" });
    assertEquals(broken.status, 422);
    assertEquals(Problems.parse(await broken.json()).detail[0]?.type, "json_invalid");
    await hub.expect(422, "GET", "/api/v2/dataset/?dataset_uuid=42");
    await hub.expect(422, "GET", "/api/v2/dataset/");
  }));
