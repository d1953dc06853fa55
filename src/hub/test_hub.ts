/** A hub in a temporary folder, and short ways to talk to it, for tests. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { assertEquals } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { KEPT_BELOW } from "./folder/folder_objects.ts";
import { type Hub, type HubOptions, openHub } from "./open_hub.ts";

export const ORIGIN = "http://embedded.local";

export interface Reply {
  status: number;
  headers: Headers;
  /** Parsed JSON; undefined for an empty body. */
  body: unknown;
}

export const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
export const bytesOf = (text: string) => new TextEncoder().encode(text);
/** Too large to be kept in the catalogue: it becomes a file of the folder. */
export const fileBytesOf = (text: string) => bytesOf(text.padEnd(KEPT_BELOW, text));

/** Bodies that tests look into. */
export const FileReply = z.looseObject({
  uuid: z.string(),
  version_id: z.number(),
  name: z.string(),
  status: z.string(),
  size: z.number(),
  ranking: z.number(),
  immutable: z.boolean(),
  md5_checksum: z.string().nullable(),
  etag: z.string().nullable(),
  plain_md5: z.string().nullable(),
  sha256: z.string().nullable(),
  S3_link: z.string().nullable(),
  S3_validity: z.number().nullable(),
});
export const ScopeReply = z.looseObject({ uid: z.string(), uuid: z.string(), name: z.string() });
export const DatasetReply = z.looseObject({
  uuid: z.string(),
  alt_uid: z.string().nullable(),
  name: z.string(),
  modified: z.string(),
  scope: ScopeReply,
  files: z.array(FileReply),
  attributes: z.record(z.string(), z.string()),
});
export const UploadLinksReply = z.object({
  uuid: z.string(),
  version_id: z.number(),
  upload_id: z.string(),
  part_size: z.number(),
  presigned_urls: z.array(z.string()),
}).strict();
export const Detail = z.object({ detail: z.string() }).strict();

/** Pieces of bytes, as an upload in parts of `partSize` has them. */
export function partsOf(bytes: Uint8Array<ArrayBuffer>, partSize: number): Uint8Array<ArrayBuffer>[] {
  const count = Math.max(1, Math.ceil(bytes.length / partSize));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * partSize, (i + 1) * partSize));
}

/** Random bytes of any length. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** Runs a test on a new hub that is removed afterwards. */
export async function withHub(
  test: (hub: TestHub) => Promise<void>,
  options: Partial<HubOptions> = {},
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "hub_" });
  try {
    const hub = await TestHub.open(directory, options);
    try {
      await test(hub);
    } finally {
      await hub.close();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

export class TestHub {
  private constructor(
    readonly directory: string,
    private readonly hub: Hub,
    /** uid of the scope `default`. */
    readonly scope: string,
  ) {}

  static async open(directory: string, options: Partial<HubOptions> = {}): Promise<TestHub> {
    const hub = openHub({ directory, env: systemEnv, ...options });
    const reply = await hub.fetch(new Request(`${ORIGIN}/api/v3/scopes?name=default`));
    const scopes = z.array(ScopeReply).safeParse(await reply.json());
    return new TestHub(directory, hub, scopes.data?.[0]?.uid ?? "");
  }

  close(): Promise<void> {
    return this.hub.close();
  }

  /** Serves the hub on a free port of this computer, as other processes and network clients need it. */
  serve(): { url: string; stop(): Promise<void> } {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (r) => this.hub.fetch(r));
    return { url: `http://127.0.0.1:${server.addr.port}`, stop: () => server.shutdown() };
  }

  /** For a server whose hub is replaced. */
  answer(request: Request): Promise<Response> {
    return this.hub.fetch(request);
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return this.hub.fetch(new Request(new URL(path, ORIGIN), init));
  }

  /** Sends JSON and reads JSON. */
  async call(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<Reply> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const reply = await this.fetch(path, { method, body, headers });
    const text = await reply.text();
    return { status: reply.status, headers: reply.headers, body: text === "" ? undefined : JSON.parse(text) };
  }

  /** Like {@link call}; a status other than the one expected fails the test. */
  async expect(status: number, method: string, path: string, json?: unknown): Promise<unknown> {
    const reply = await this.call(method, path, json);
    assertEquals(reply.status, status, `${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** Creates a dataset; returns its uuid. */
  async dataset(fields: Record<string, unknown> = {}): Promise<string> {
    const dataset = {
      uuid: crypto.randomUUID(),
      alt_uid: null,
      collected: "2026-03-01T12:00:00.123456+00:00",
      name: "run",
      creator: "me",
      description: null,
      notes: null,
      keywords: [],
      ranking: 0,
      scope_uuid: this.scope,
      attributes: {},
      ...fields,
    };
    await this.expect(201, "POST", "/api/v2/dataset/", dataset);
    return dataset.uuid;
  }

  async readDataset(uuid: string) {
    return DatasetReply.parse(await this.expect(200, "GET", `/api/v2/dataset/?dataset_uuid=${uuid}`));
  }

  /** Announces a file version; returns its key. */
  async file(dsUuid: string, size: number, fields: Record<string, unknown> = {}) {
    const file = {
      name: "data.bin",
      filename: "data.bin",
      uuid: crypto.randomUUID() as string,
      version_id: 1_760_000_000_000,
      creator: "me",
      collected: "2026-03-01T12:00:00+00:00",
      size,
      type: "UNKNOWN",
      file_generator: null,
      ds_uuid: dsUuid,
      ...fields,
    };
    await this.expect(201, "POST", "/api/v2/file/", file);
    return { uuid: file.uuid, version_id: file.version_id };
  }

  async readVersion(key: { uuid: string; version_id: number }) {
    const path = `/api/v2/file/read/?uuid=${key.uuid}&version_id=${key.version_id}`;
    const [file] = z.array(FileReply).parse(await this.expect(200, "GET", path));
    if (!file) throw new Error(`no such version: ${path}`);
    return file;
  }

  async uploadLink(key: { uuid: string; version_id: number }): Promise<string> {
    const path =
      `/api/v2/file/presigned_link/single_part/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
    return z.object({ url: z.string() }).parse(await this.expect(200, "GET", path)).url;
  }

  /** PUT as the platform's clients send it. */
  put(url: string, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(url, {
      method: "PUT",
      body: bytes,
      headers: {
        "x-ms-blob-type": "BlockBlob",
        "content-type": "application/octet-stream",
        "content-length": String(bytes.length),
        ...headers,
      },
    });
  }

  /** Begins an upload in several parts. */
  async beginParts(key: { uuid: string; version_id: number }) {
    const path = `/api/v2/file/presigned_link/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
    return UploadLinksReply.parse(await this.expect(200, "GET", path));
  }

  /** Completes an upload in several parts. */
  validateParts(
    links: { uuid: string; version_id: number; upload_id: string },
    etags: string[],
    md5Checksum: string,
  ): Promise<Reply> {
    const { uuid, version_id, upload_id } = links;
    const body = { uuid, version_id, upload_id, etags, md5_checksum: md5Checksum };
    return this.call("POST", "/api/v2/file/validate_upload/", body);
  }

  abortParts(links: { uuid: string; version_id: number; upload_id: string }): Promise<Reply> {
    const { uuid, version_id, upload_id } = links;
    const body = { uuid, version_id, upload_id, etags: [], md5_checksum: "" };
    return this.call("POST", "/api/v2/file/abort_upload/", body);
  }

  validate(key: { uuid: string; version_id: number }, md5Checksum: string): Promise<Reply> {
    return this.call("POST", "/api/v2/file/validate_upload/single_part/", {
      ...key,
      md5_checksum: md5Checksum,
      upload_id: "",
      etags: [],
    });
  }

  /** Announces and uploads a file of a dataset until it is secured. */
  async upload(dsUuid: string, bytes: Uint8Array<ArrayBuffer>, fields: Record<string, unknown> = {}) {
    const key = await this.file(dsUuid, bytes.length, fields);
    assertEquals((await this.put(await this.uploadLink(key), bytes)).status, 200);
    assertEquals((await this.validate(key, md5(bytes))).status, 202);
    return key;
  }
}
