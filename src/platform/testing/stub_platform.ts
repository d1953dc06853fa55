/** A strict little platform for tests: keeps to the contract, notes every request, and fails where it is told to. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { createHash } from "node:crypto";
import { z } from "zod";

export const STUB_SCOPE = "11111111-1111-4111-8111-111111111111";

export interface SeenRequest {
  method: string;
  /** Path without query. */
  path: string;
  url: URL;
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface StubFile {
  [key: string]: unknown;
  uuid: string;
  version_id: number;
  ds_uuid: string;
  name: string;
  size: number;
  status: "announced" | "pending" | "secured";
  immutable: boolean;
  md5_checksum: string | null;
}

/** Answers a request in place of the stub; returns false to let the stub answer all the same. */
export type Fault = (request: http.IncomingMessage, response: http.ServerResponse) => boolean | void;

const newFile = z.looseObject({
  uuid: z.uuid(),
  version_id: z.int(),
  ds_uuid: z.uuid(),
  name: z.string(),
  size: z.int(),
  file_generator: z.string(),
  immutable: z.boolean(),
});
const newDataset = z.looseObject({ uuid: z.uuid(), alt_uid: z.string().nullable(), scope_uuid: z.uuid() });
const validation = z.strictObject({
  uuid: z.uuid(),
  version_id: z.int(),
  md5_checksum: z.string().regex(/^[0-9a-f]{32}$/),
  upload_id: z.literal(""),
  etags: z.tuple([]),
});
const SEVEN_KEYS = ["alt_uid", "attributes", "description", "keywords", "name", "notes", "ranking"];

export class StubPlatform {
  readonly requests: SeenRequest[] = [];
  /** What broke the contract; tests assert that it stays empty. */
  readonly violations: string[] = [];
  readonly files: StubFile[] = [];
  readonly datasets: Record<string, unknown>[] = [];
  readonly objects = new Map<string, { size: number; md5: string }>();
  /** Headers added to the reply of a PUT; undefined takes one away. */
  putReplyHeaders: Record<string, string | undefined> = {};
  sendDate = true;
  offersMove = false;
  readonly #faults: { match: RegExp; fault: Fault }[] = [];
  readonly #server: http.Server;

  private constructor() {
    this.#server = http.createServer((request, response) => void this.#handle(request, response));
  }

  static async start(): Promise<StubPlatform> {
    const stub = new StubPlatform();
    await new Promise<void>((resolve) => stub.#server.listen(0, "127.0.0.1", resolve));
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Queues a fault for the next request whose "METHOD path" matches, `times` times. */
  fail(match: RegExp, fault: Fault, times = 1): void {
    for (let i = 0; i < times; i++) this.#faults.push({ match, fault });
  }

  count(match: RegExp): number {
    return this.requests.filter((r) => match.test(`${r.method} ${r.path}`)).length;
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const method = request.method ?? "";
    response.sendDate = this.sendDate;
    const seen: SeenRequest = {
      method,
      path: url.pathname,
      url,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: "",
    };
    this.requests.push(seen);
    const at = this.#faults.findIndex((f) => f.match.test(`${method} ${url.pathname}`));
    if (at >= 0) {
      const [fault] = this.#faults.splice(at, 1);
      if (fault && fault.fault(request, response) !== false) return;
    }
    if (method === "PUT") return this.#put(seen, request, response);
    try {
      for await (const part of request) seen.body += new TextDecoder().decode(part);
    } catch {
      return; // the client went away
    }
    if (seen.headers.authorization !== "Bearer good") {
      return json(response, 401, { error: "token_invalid", detail: "no" });
    }
    this.#answer(seen, response);
  }

  #put(seen: SeenRequest, request: http.IncomingMessage, response: http.ServerResponse): void {
    const { headers } = seen;
    const demand = (ok: boolean, what: string) => ok || this.violations.push(`PUT: ${what}`);
    demand(headers.authorization === undefined, "sends Authorization");
    demand(headers["content-md5"] === undefined, "sends Content-MD5");
    demand(headers["transfer-encoding"] === undefined, "is chunked");
    demand(/^\d+$/.test(headers["content-length"] ?? ""), "has no Content-Length");
    demand(headers["x-ms-blob-type"] === "BlockBlob", "has no x-ms-blob-type");
    demand(headers["content-type"] === "application/octet-stream", "has another Content-Type");
    const hash = createHash("md5");
    let size = 0;
    request.on("data", (part: Uint8Array) => {
      hash.update(part);
      size += part.length;
    });
    request.on("error", () => {});
    request.on("end", () => {
      const md5 = hash.digest("hex");
      this.objects.set(seen.path, { size, md5 });
      const reply: Record<string, string | undefined> = { etag: `"${md5}"`, ...this.putReplyHeaders };
      for (const [k, v] of Object.entries(reply)) if (v !== undefined) response.setHeader(k, v);
      response.writeHead(200).end();
    });
  }

  #answer(seen: SeenRequest, response: http.ServerResponse): void {
    const q = (key: string) => seen.url.searchParams.get(key);
    const body = () => JSON.parse(seen.body) as unknown;
    const fileOf = (uuid: string | null, version: string | number | null) =>
      this.files.find((f) => f.uuid === uuid && String(f.version_id) === String(version));
    const withFiles = (d: Record<string, unknown>) => ({
      ...d,
      scope: { uuid: d.scope_uuid, name: "demo", description: "", archived: false, schema: null },
      files: this.files.filter((f) => f.ds_uuid === d.uuid),
      created: new Date().toISOString(),
      modified: new Date().toISOString(),
    });
    switch (`${seen.method} ${seen.path}`) {
      case "GET /api/v3/":
        return this.offersMove
          ? json(response, 200, { capabilities: { dataset_move: true } })
          : json(response, 404, { error: "not_found" });
      case "GET /api/v3/me":
        return json(response, 200, {
          sub: "ada",
          firstname: "Ada",
          lastname: "L",
          email: null,
          role: "user",
          is_enabled: true,
          created: "2024-01-01T00:00:00+00:00",
          modified: "2024-01-01T00:00:00+00:00",
        });
      case "GET /api/v2/version/API/":
        return json(response, 200, "2.1.0");
      case "POST /api/v2/dataset/": {
        const d = newDataset.parse(body());
        if (
          this.datasets.some((e) =>
            e.uuid === d.uuid || (d.alt_uid && e.alt_uid === d.alt_uid && e.scope_uuid === d.scope_uuid)
          )
        ) return json(response, 400, { detail: "exists" });
        this.datasets.push(d);
        return json(response, 201, null);
      }
      case "GET /api/v2/dataset/": {
        const d = this.datasets.find((e) => e.uuid === q("dataset_uuid"));
        return d ? json(response, 200, withFiles(d)) : json(response, 404, { detail: "not found" });
      }
      case "GET /api/v2/dataset/by_alt_uid/": {
        const d = this.datasets.find((e) =>
          e.alt_uid === q("dataset_alt_uid") && e.scope_uuid === q("scope_uuid")
        );
        return d ? json(response, 200, withFiles(d)) : json(response, 404, { detail: "not found" });
      }
      case "PATCH /api/v2/dataset/": {
        const changes = z.record(z.string(), z.unknown()).parse(body());
        if (Object.keys(changes).sort().join() !== SEVEN_KEYS.join()) {
          this.violations.push("PATCH dataset: not exactly the seven keys");
        }
        const d = this.datasets.find((e) => e.uuid === q("dataset_uuid"));
        if (!d) return json(response, 404, { detail: "not found" });
        for (const [k, v] of Object.entries(changes)) if (v !== null) d[k] = v;
        return json(response, 200, null);
      }
      case "POST /api/v2/dataset/move/": {
        const d = this.datasets.find((e) => e.uuid === q("dataset_uuid"));
        if (d) d.scope_uuid = q("scope_uuid");
        return json(response, 200, null);
      }
      case "POST /api/v2/file/": {
        const f = newFile.parse(body());
        if (fileOf(f.uuid, f.version_id)) return json(response, 409, { detail: "exists" });
        this.files.push({ ...f, status: "announced", md5_checksum: null, etag: null });
        return json(response, 201, null);
      }
      case "GET /api/v2/file/read/": {
        const found = this.files.filter((f) =>
          f.uuid === q("uuid") && (q("version_id") === null || String(f.version_id) === q("version_id"))
        );
        return found.length ? json(response, 200, found) : json(response, 403, { detail: "unknown file" });
      }
      case "GET /api/v2/file/by_name/":
        return json(
          response,
          200,
          this.files.filter((f) => f.ds_uuid === q("dataset_uuid") && f.name === q("name")),
        );
      case "GET /api/v2/file/presigned_link/single_part/": {
        const f = fileOf(q("file_uuid"), q("version_id"));
        if (!f || (f.status === "secured" && f.immutable)) {
          return json(response, 403, { detail: "immutable" });
        }
        f.status = "pending";
        const { uuid, version_id } = f;
        return json(response, 200, {
          uuid,
          version_id,
          url: `${this.url}/bucket/${uuid}/${version_id}?token=t`,
        });
      }
      case "POST /api/v2/file/validate_upload/single_part/": {
        const v = validation.parse(body());
        const f = fileOf(v.uuid, v.version_id);
        if (!f || !this.objects.has(`/bucket/${v.uuid}/${v.version_id}`)) {
          return json(response, 404, { detail: "no object" });
        }
        f.status = "secured";
        f.md5_checksum = v.md5_checksum;
        return json(response, 202, null);
      }
    }
    this.violations.push(`no such route: ${seen.method} ${seen.path}`);
    json(response, 404, { detail: "Not Found" });
  }
}

function json(response: http.ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** Replies with a status, and a body when given. */
export const reply =
  (status: number, body: unknown = { detail: "told to" }, headers = {}): Fault => (q, r) => {
    q.resume();
    r.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };

/** Replies with a web page. */
export const webPage = (status: number): Fault => (q, r) => {
  q.resume();
  r.writeHead(status, { "content-type": "text/html; charset=utf-8" }).end(
    "<!DOCTYPE html><html>Log in</html>",
  );
};

/** Cuts the connection after `bytes` of the body came in. */
export const cutAfter = (bytes: number): Fault => (q) => {
  let n = 0;
  if (bytes === 0) return void q.socket.destroy();
  q.on("error", () => {});
  q.on("data", (part: Uint8Array) => {
    n += part.length;
    if (n >= bytes) q.socket.destroy();
  });
};

/** Takes the whole body and never answers. */
export const silence: Fault = (q) => {
  q.on("error", () => {});
  q.resume();
};
