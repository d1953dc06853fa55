/**
 * A strict platform in memory: keeps to contracts of datasets, files and uploads in one or many parts, knows the bytes of
 * every version, and notes what breaks the contract.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { z } from "zod";

export interface PlatformDataset {
  uuid: string;
  alt_uid: string | null;
  collected: string;
  name: string;
  creator: string;
  description: string | null;
  keywords: string[];
  ranking: number;
  scope_uuid: string;
  attributes: Record<string, string>;
  created: number;
}

export interface PlatformFile {
  uuid: string;
  version_id: number;
  ds_uuid: string;
  name: string;
  filename: string;
  creator: string;
  collected: string;
  size: number;
  type: string;
  file_generator: string | null;
  ranking: number;
  immutable: boolean;
  status: "announced" | "pending" | "secured";
  md5_checksum: string | null;
  modified: number;
}

/** An upload in parts that was neither completed nor aborted. */
interface OpenUpload {
  key: string;
  /** By number, from 1. */
  parts: Map<number, { bytes: Uint8Array<ArrayBuffer>; etag: string }>;
}

export interface PlatformRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
}

export interface PlatformReply {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
}

export const SCOPES = [
  "11111111-1111-4111-8111-111111111111",
  "22222222-2222-4222-8222-222222222222",
] as const;
export const BASE_URL = "http://platform.simulation";
const STORE_URL = "http://store.simulation";
/** Links live a day. */
const LINK_MS = 86_400_000;

const md5Text = z.string().regex(/^[0-9a-f]{32}$/);
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
const newDataset = z.strictObject({
  uuid: z.uuid(),
  alt_uid: z.string().nullable(),
  collected: time,
  name: z.string().min(1),
  creator: z.string(),
  description: z.string().nullable(),
  notes: z.null(),
  keywords: z.array(z.string()),
  ranking: z.int(),
  scope_uuid: z.enum(SCOPES),
  attributes: z.record(z.string(), z.string()),
});
const datasetPatch = z.strictObject({
  alt_uid: z.string().nullable(),
  name: z.string().nullable(),
  description: z.string().nullable(),
  notes: z.string().nullable(),
  keywords: z.array(z.string()).nullable(),
  ranking: z.int().nullable(),
  attributes: z.record(z.string(), z.string()).nullable(),
});
const newFile = z.strictObject({
  name: z.string().min(1),
  filename: z.string().min(1),
  uuid: z.uuid(),
  creator: z.string(),
  collected: time,
  size: z.int().nonnegative(),
  type: z.enum(["HDF5", "HDF5_NETCDF", "HDF5_CACHE", "NDARRAY", "JSON", "TEXT", "UNKNOWN"]),
  file_generator: z.string(),
  version_id: z.int().min(1),
  ranking: z.int(),
  ds_uuid: z.uuid(),
  immutable: z.literal(true),
});
const validation = z.strictObject({
  uuid: z.uuid(),
  version_id: z.int(),
  md5_checksum: md5Text,
  upload_id: z.string(),
  etags: z.array(z.string()),
});

export class Platform {
  readonly datasets = new Map<string, PlatformDataset>();
  /** By `uuid/version`. */
  readonly files = new Map<string, PlatformFile>();
  /** Bytes in the store, by `uuid/version`. */
  readonly objects = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly uploads = new Map<string, OpenUpload>();
  /** Opened by requests that nobody waited for any more: only the store's own housekeeping can know them. */
  readonly strays = new Set<string>();
  readonly violations: string[] = [];
  #uploadCount = 0;

  /**
   * @param now the platform's clock, ms
   * @param partSize of uploads in parts, bytes
   */
  constructor(private readonly now: () => number, private readonly partSize: number) {}

  /** A request that comes through after its sender has given it up. */
  handleLate(request: PlatformRequest): PlatformReply {
    const before = new Set(this.uploads.keys());
    const reply = this.handle(request);
    for (const id of this.uploads.keys()) if (!before.has(id)) this.strays.add(id);
    return reply;
  }

  handle(request: PlatformRequest): PlatformReply {
    const { url, method } = request;
    if (url.origin === STORE_URL) return this.#store(request);
    if (url.origin !== BASE_URL) return this.#violation(`a request to ${url.origin}`);
    let json: unknown = null;
    if (request.body.length > 0) json = JSON.parse(Buffer.from(request.body).toString());
    const q = (key: string) => url.searchParams.get(key) ?? "";
    try {
      switch (`${method} ${url.pathname}`) {
        case "GET /api/v3/":
          return reply(200, { capabilities: { dataset_move: true } });
        case "GET /api/v3/me":
          return reply(200, { sub: "ada", firstname: "Ada", lastname: "L", email: null, role: "user" });
        case "GET /api/v3/scopes":
          return reply(200, SCOPES.map((uid, i) => this.#scope(uid, i)));
        case "POST /api/v2/dataset/":
          return this.#createDataset(newDataset.parse(json));
        case "GET /api/v2/dataset/":
          return this.#datasetReply(this.datasets.get(q("dataset_uuid")));
        case "GET /api/v2/dataset/by_alt_uid/":
          return this.#datasetReply(
            [...this.datasets.values()].find((d) =>
              d.alt_uid === q("dataset_alt_uid") && d.scope_uuid === q("scope_uuid")
            ),
          );
        case "PATCH /api/v2/dataset/":
          return this.#updateDataset(q("dataset_uuid"), datasetPatch.parse(json));
        case "POST /api/v2/dataset/move/":
          return this.#moveDataset(q("dataset_uuid"), q("scope_uuid"));
        case "POST /api/v2/file/":
          return this.#createFile(newFile.parse(json));
        case "GET /api/v2/file/read/": {
          const found = [...this.files.values()].filter((f) =>
            f.uuid === q("uuid") && (q("version_id") === "" || f.version_id === Number(q("version_id")))
          );
          return found.length > 0
            ? reply(200, found.map((f) => this.#fileRead(f)))
            : refused(403, "unknown file");
        }
        case "GET /api/v2/file/by_name/":
          return reply(
            200,
            [...this.files.values()].filter((f) => f.ds_uuid === q("dataset_uuid") && f.name === q("name"))
              .map((f) => this.#fileRead(f)),
          );
        case "GET /api/v2/file/presigned_link/single_part/":
          return this.#singleLink(`${q("file_uuid")}/${q("version_id")}`);
        case "GET /api/v2/file/presigned_link/":
          return this.#partLinks(`${q("file_uuid")}/${q("version_id")}`);
        case "POST /api/v2/file/validate_upload/single_part/":
          return this.#validateSingle(validation.parse(json));
        case "POST /api/v2/file/validate_upload/":
          return this.#validateParts(validation.parse(json));
        case "POST /api/v2/file/abort_upload/":
          return this.#abort(validation.parse(json));
      }
    } catch (e) {
      if (!(e instanceof z.ZodError)) throw e;
      return this.#violation(`${method} ${url.pathname}: ${z.prettifyError(e)}`);
    }
    return this.#violation(`no such route: ${method} ${url.pathname}`);
  }

  /** All versions of a dataset's files. */
  filesOf(dataset: string): PlatformFile[] {
    return [...this.files.values()].filter((f) => f.ds_uuid === dataset);
  }

  #violation(what: string): PlatformReply {
    this.violations.push(what);
    return refused(400, what);
  }

  #scope(uid: string, i: number) {
    return { uid, name: `scope ${i}`, description: "", is_archived: false };
  }

  #createDataset({ notes: _, ...d }: z.infer<typeof newDataset>): PlatformReply {
    if (this.datasets.has(d.uuid)) return refused(400, "uuid exists");
    if (d.alt_uid === d.uuid) return this.#violation("alt_uid equals uuid");
    const hasAltUid = [...this.datasets.values()].some((o) =>
      d.alt_uid !== null && o.alt_uid === d.alt_uid && o.scope_uuid === d.scope_uuid
    );
    if (hasAltUid) return refused(400, "alt_uid exists");
    this.datasets.set(d.uuid, { ...d, created: this.now() });
    return reply(201, null);
  }

  #updateDataset(uuid: string, patch: z.infer<typeof datasetPatch>): PlatformReply {
    const d = this.datasets.get(uuid);
    if (!d) return refused(404, "no such dataset");
    const { notes: _, ...rest } = patch;
    Object.assign(d, Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== null)));
    return reply(200, null);
  }

  #moveDataset(uuid: string, scope: string): PlatformReply {
    const d = this.datasets.get(uuid);
    if (!d) return refused(404, "no such dataset");
    d.scope_uuid = scope;
    return reply(200, null);
  }

  #datasetReply(d: PlatformDataset | undefined): PlatformReply {
    if (!d) return refused(404, "no such dataset");
    const { scope_uuid, created, ...rest } = d;
    return reply(200, {
      ...rest,
      notes: null,
      created: iso(created),
      modified: iso(created),
      scope: this.#scope(scope_uuid, SCOPES.findIndex((s) => s === scope_uuid)),
      files: this.filesOf(d.uuid).map((f) => this.#fileRead(f)),
    });
  }

  #createFile(f: z.infer<typeof newFile>): PlatformReply {
    if (!this.datasets.has(f.ds_uuid)) return refused(404, "no such dataset");
    const key = `${f.uuid}/${f.version_id}`;
    const there = this.files.get(key);
    if (there && there.status !== "secured" && there.size !== f.size) {
      Object.assign(there, { size: f.size, type: f.type, filename: f.filename });
      return reply(201, null);
    }
    if (there) return refused(400, "file version exists");
    const others = [...this.files.values()];
    if (others.some((o) => o.uuid === f.uuid && (o.ds_uuid !== f.ds_uuid || o.name !== f.name))) {
      return this.#violation(`file ${f.uuid} under a second name`);
    }
    this.files.set(key, { ...f, status: "announced", md5_checksum: null, modified: this.now() });
    return reply(201, null);
  }

  #fileRead({ ds_uuid: _, modified, ...f }: PlatformFile) {
    const isSecured = f.status === "secured";
    const key = `${f.uuid}/${f.version_id}`;
    return {
      ...f,
      created: iso(modified),
      modified: iso(modified),
      etag: null,
      S3_link: isSecured ? `${STORE_URL}/object/${key}?until=${this.now() + LINK_MS}` : null,
      S3_validity: isSecured ? (this.now() + LINK_MS) / 1000 : null,
    };
  }

  /** The record that may be uploaded to, or why not. */
  #uploadable(key: string): PlatformFile | PlatformReply {
    const f = this.files.get(key);
    if (!f) return refused(404, "no such file version");
    if (f.status === "secured" && f.immutable) return refused(403, "immutable");
    f.status = "pending";
    f.modified = this.now();
    return f;
  }

  #singleLink(key: string): PlatformReply {
    const f = this.#uploadable(key);
    if ("body" in f) return f;
    const { uuid, version_id } = f;
    const url = `${STORE_URL}/object/${key}?until=${this.now() + LINK_MS}`;
    return reply(200, { uuid, version_id, url });
  }

  #partLinks(key: string): PlatformReply {
    const f = this.#uploadable(key);
    if ("body" in f) return f;
    for (const [id, upload] of this.uploads) if (upload.key === key) this.uploads.delete(id);
    const upload_id = `upload-${++this.#uploadCount}`;
    this.uploads.set(upload_id, { key, parts: new Map() });
    const { uuid, version_id } = f;
    const count = Math.max(1, Math.ceil(f.size / this.partSize));
    const until = this.now() + LINK_MS;
    const presigned_urls = Array.from(
      { length: count },
      (_, i) => `${STORE_URL}/part/${key}?id=${upload_id}&number=${i + 1}&until=${until}`,
    );
    return reply(200, { uuid, version_id, upload_id, part_size: this.partSize, presigned_urls });
  }

  #validateSingle(v: z.infer<typeof validation>): PlatformReply {
    if (v.upload_id !== "" || v.etags.length > 0) return this.#violation("a single part with upload id");
    return this.#secure(`${v.uuid}/${v.version_id}`, v.md5_checksum);
  }

  #validateParts(v: z.infer<typeof validation>): PlatformReply {
    const key = `${v.uuid}/${v.version_id}`;
    const upload = this.uploads.get(v.upload_id);
    if (!upload || upload.key !== key) return refused(500, "NoSuchUpload");
    const parts = [...upload.parts].sort(([a], [b]) => a - b);
    const isWhole = parts.every(([n], i) => n === i + 1) && parts.length === v.etags.length;
    if (!isWhole || parts.some(([, p], i) => p.etag !== v.etags[i])) return refused(500, "InvalidPart");
    if (parts.some(([, p], i) => i < parts.length - 1 && p.bytes.length !== this.partSize)) {
      return refused(500, "EntityTooSmall");
    }
    const f = this.files.get(key);
    if (f?.status === "secured") return refused(403, "immutable");
    this.uploads.delete(v.upload_id);
    this.objects.set(key, new Uint8Array(Buffer.concat(parts.map(([, p]) => p.bytes))));
    return this.#secure(key, v.md5_checksum);
  }

  #abort(v: z.infer<typeof validation>): PlatformReply {
    if (!this.uploads.delete(v.upload_id)) return refused(404, "NoSuchUpload");
    return reply(202, null);
  }

  #secure(key: string, md5: string): PlatformReply {
    const f = this.files.get(key);
    const bytes = this.objects.get(key);
    if (!f || !bytes) return refused(404, "no bytes were uploaded");
    if (f.status === "secured") {
      return f.md5_checksum === md5 ? reply(202, null) : refused(403, "immutable");
    }
    if (bytes.length !== f.size) return refused(400, `announced ${f.size} bytes, got ${bytes.length}`);
    if (f.type !== "HDF5_NETCDF" && md5Of(bytes) !== md5) return refused(400, "md5 differs");
    f.status = "secured";
    f.md5_checksum = md5;
    f.modified = this.now();
    return reply(202, null);
  }

  #store({ method, url, headers, body }: PlatformRequest): PlatformReply {
    const [, kind, ...rest] = url.pathname.split("/");
    const key = rest.join("/");
    if (Number(url.searchParams.get("until")) < this.now()) return storeRefused(403, "AccessDenied");
    if (method === "GET") {
      const bytes = this.objects.get(key);
      return bytes ? { status: 200, headers: {}, body: bytes } : storeRefused(404, "NoSuchKey");
    }
    if (method !== "PUT") return this.#violation(`${method} to the store`);
    if ("authorization" in headers || "Authorization" in headers) {
      this.#violation("credentials for the store");
    }
    const etag = `"${md5Of(body)}"`;
    if (kind === "part") {
      const upload = this.uploads.get(url.searchParams.get("id") ?? "");
      if (!upload || upload.key !== key) return storeRefused(404, "NoSuchUpload");
      upload.parts.set(Number(url.searchParams.get("number")), { bytes: body, etag });
    } else {
      if (this.files.get(key)?.status === "secured") return storeRefused(403, "AccessDenied");
      this.objects.set(key, body);
    }
    return { status: 200, headers: { etag }, body: "" };
  }
}

export function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000+00:00");
}

function reply(status: number, value: unknown): PlatformReply {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function refused(status: number, detail: string): PlatformReply {
  return reply(status, { detail });
}

function storeRefused(status: number, code: string): PlatformReply {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body };
}
