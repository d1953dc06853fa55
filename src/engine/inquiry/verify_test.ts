import { createHash } from "node:crypto";
import { join } from "node:path";
import { assertEquals, assertMatch, assertRejects } from "../../../tests/assert.ts";
import { Catalog } from "../../catalog/catalog.ts";
import { SyncError } from "../../kit/errors.ts";
import type { FileRecord } from "../../platform/client.ts";
import { verify } from "./verify.ts";

const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("hex");

/** A platform that holds text files; what it answers can be bent. */
class FakePlatform {
  readonly records = new Map<string, FileRecord>();
  readonly bytes = new Map<string, string>();

  put(uuid: string, version_id: number, text: string): void {
    this.records.set(`${uuid} ${version_id}`, {
      name: "data.txt",
      filename: "data.txt",
      uuid,
      version_id,
      creator: "",
      collected: null,
      size: text.length,
      type: "TEXT",
      file_generator: null,
      ranking: 0,
      created: null,
      modified: null,
      immutable: true,
      md5_checksum: hash("md5", text),
      etag: null,
      status: "secured",
      S3_link: `link:${uuid} ${version_id}`,
      S3_validity: null,
    });
    this.bytes.set(`link:${uuid} ${version_id}`, text);
  }

  readFile = (key: { uuid: string; version_id: number }) =>
    Promise.resolve(this.records.get(`${key.uuid} ${key.version_id}`) ?? null);

  download = (url: string) => {
    const text = this.bytes.get(url);
    if (text === undefined) {
      return Promise.reject(new SyncError("platform", "platform_error", "404 for the link", { hint: "" }));
    }
    return Promise.resolve(new Blob([text]).stream());
  };
}

/** Two sources with one dataset each, and one dataset whose source was removed; three good files. */
async function withUploads(work: (catalog: Catalog, client: FakePlatform) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const catalog = Catalog.open(join(folder, "catalog.db"));
  const client = new FakePlatform();
  for (const name of ["a", "b", "gone"]) {
    if (name !== "gone") {
      const row = { name, backend: "x", config: {}, default_scope: null, autoassign: false, owner: null };
      const id = catalog.sources.add(row, 1);
      const found = { identifier: `item-${name}`, priority: 1, fingerprint: "f", changed_at: 0 };
      catalog.intake.upsert(id, [{ ...found, dataset_uuid: `dataset-${name}` }], "new", () => "", 1);
    }
    const text = `content of ${name}`;
    client.put(`file-${name}`, 5, text);
    catalog.fileVersions.put({
      file_uuid: `file-${name}`,
      version_id: 5,
      dataset_uuid: `dataset-${name}`,
      name: "data.txt",
      filename: "data.txt",
      type: "TEXT",
      size: text.length,
      md5: hash("md5", text),
      sha256: hash("sha256", text),
      content_md5: null,
      deep_sha256: null,
      path: "/x",
      secured: true,
      updated: 1,
    });
  }
  try {
    await work(catalog, client);
  } finally {
    catalog.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const found = (report: { differences: { source: string | null; problem: string }[] }) =>
  report.differences.map((d) => [d.source, d.problem]);

Deno.test("what is as uploaded gives no difference, with or without its source", () =>
  withUploads(async (catalog, client) => {
    const report = await verify({ catalog, client });
    assertEquals([report.checked, report.differences], [3, []]);
    assertEquals(report.bytes, "content of a".length + "content of b".length + "content of gone".length);
    assertEquals((await verify({ catalog, client }, { source: "a" })).checked, 1);
  }));

Deno.test("every way in which a copy can be wrong is told apart", () =>
  withUploads(async (catalog, client) => {
    const link = "link:file-a 5";
    const expectProblem = async (problem: string) =>
      assertEquals(found(await verify({ catalog, client })), [["a", problem]]);
    client.bytes.set(link, "content of A");
    await expectProblem("sha256_differs");
    client.bytes.set(link, "content of");
    await expectProblem("size_differs");
    client.bytes.delete(link);
    await expectProblem("bytes_missing");
    client.put("file-a", 5, "content of a");
    const record = client.records.get("file-a 5");
    if (!record) throw new Error("the record was just put");
    record.md5_checksum = hash("md5", "other");
    await expectProblem("recorded_md5_differs");
    record.status = "pending";
    await expectProblem("not_secured");
    client.records.delete("file-a 5");
    await expectProblem("record_missing");
  }));

Deno.test("a difference names source, item, file and version", () =>
  withUploads(async (catalog, client) => {
    client.bytes.set("link:file-b 5", "content of B");
    const [difference] = (await verify({ catalog, client }, { source: "b" })).differences;
    assertMatch(difference?.detail ?? "", /^uploaded [0-9a-f]{64}, on the platform is [0-9a-f]{64}$/);
    assertEquals({ ...difference, detail: "" }, {
      source: "b",
      dataIdentifier: "item-b",
      datasetUUID: "dataset-b",
      name: "data.txt",
      version_id: 5,
      problem: "sha256_differs",
      detail: "",
    });
  }));

Deno.test("no connection is no difference: verifying ends with that error", () =>
  withUploads(async (catalog, client) => {
    const offline = new SyncError("network", "connection_refused", "no answer");
    const agent = {
      catalog,
      client: { ...client, readFile: client.readFile, download: () => Promise.reject(offline) },
    };
    assertEquals(await assertRejects(() => verify(agent)), offline);
  }));

Deno.test("an unknown source is refused", () =>
  withUploads(async (catalog, client) => {
    assertMatch((await assertRejects(() => verify({ catalog, client }, { source: "c" }))).message, /"c"/);
  }));
