/** Objects in an S3 store: `<prefix><file uuid>/<version id>`. Clients send and fetch the bytes there themselves. */
import { z } from "zod";
import type { Env } from "../../env.ts";
import type { FileCatalogue, MultipartUpload, UploadCatalogue, VersionKey } from "../catalogue.ts";
import { HubError, invalidPart, noSuchUpload } from "../hub_error.ts";
import type { DownloadLink, Objects, StoredObject } from "../objects.ts";
import { partCount } from "../part_size.ts";
import { bareEtag, md5OfEtag, multipartEtag } from "./multipart_etag.ts";
import { LINK_VALIDITY, type Query, S3Client } from "./s3_client.ts";
import { S3Error } from "./s3_error.ts";
import type { CheckedStoreOptions } from "./store_options.ts";
import { elementsOf, escapeXml, textOf, textsOf } from "./xml.ts";

const PART_CODES = ["InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"];

/** Of an object, below the prefix. */
const OUR_NAME = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/\d+$/;

export class S3Objects implements Objects {
  readonly #s3: S3Client;
  readonly #prefix: string;

  constructor(
    options: CheckedStoreOptions,
    private readonly files: FileCatalogue,
    private readonly uploads: UploadCatalogue,
    private readonly env: Env,
  ) {
    this.#s3 = new S3Client(options, env);
    this.#prefix = options.prefix;
  }

  uploadLink(key: VersionKey): string {
    return this.#s3.link("PUT", this.#name(key));
  }

  /** In a bucket with versions the link is to the very bytes that were secured, whatever was put there later. */
  async downloadLink(key: VersionKey, filename: string): Promise<DownloadLink> {
    const stamp = Stamp.safeParse((await this.files.objectFacts(key))?.stamp.split(" "));
    const query: Query = {
      "response-content-disposition": `attachment; filename*=UTF-8''${
        encodeURIComponent(filename.toWellFormed())
      }`,
    };
    if (stamp.data?.[1]) query.versionId = stamp.data[1];
    const validUntil = Math.floor(this.env.now() / 1000) + LINK_VALIDITY;
    return { url: this.#s3.link("GET", this.#name(key), query), validUntil };
  }

  async inspect(key: VersionKey): Promise<StoredObject | null> {
    const headers = await this.#head(key);
    const etag = bareEtag(headers?.get("etag"));
    if (!headers || etag === null) return null;
    // An encrypted object may have an ETag that only looks like an md5.
    const isOpaque = headers.get("x-amz-server-side-encryption")?.startsWith("aws:kms") ||
      headers.has("x-amz-server-side-encryption-customer-algorithm");
    return {
      size: Number(headers.get("content-length")),
      md5: isOpaque ? null : md5OfEtag(etag),
      sha256: null,
      etag,
      stamp: `${etag} ${headers.get("x-amz-version-id") ?? ""}`.trim(),
      isCurrent: () => true,
    };
  }

  async #head(key: VersionKey): Promise<Headers | null> {
    try {
      return (await this.#s3.send({ method: "HEAD", object: this.#name(key) })).headers;
    } catch (e) {
      if (e instanceof S3Error && e.status === 404) return null;
      throw asHubError(e);
    }
  }

  async beginUpload(upload: Omit<MultipartUpload, "id">): Promise<string> {
    const reply = await this.#s3.send({
      method: "POST",
      object: this.#name(upload),
      query: { uploads: "" },
    }).catch((e) => Promise.reject(asHubError(e)));
    const id = textOf(reply.text, "UploadId");
    if (!id) throw new HubError(500, "the object store began an upload without an id");
    return id;
  }

  partLinks(upload: MultipartUpload): string[] {
    const object = this.#name(upload);
    return Array.from(
      { length: partCount(upload) },
      (_, i) => this.#s3.link("PUT", object, { partNumber: String(i + 1), uploadId: upload.id }),
    );
  }

  async completeUpload(upload: MultipartUpload, etags: string[]): Promise<void> {
    const parts = partCount(upload);
    if (etags.length !== parts) throw invalidPart(`the upload has ${parts} parts, not ${etags.length}`);
    try {
      await this.#complete(upload, etags);
    } catch (e) {
      if (!(e instanceof S3Error)) throw e;
      // Not answered, answered by an error after it had begun, or completed before: what is there tells.
      const isSettled = (e.isAmbiguous || e.code === "NoSuchUpload") && await this.#isMadeOf(upload, etags);
      if (!isSettled) throw asHubError(e, upload);
    }
    await this.uploads.complete(upload, null, () => {});
  }

  async #complete(upload: MultipartUpload, etags: string[]): Promise<void> {
    const parts = etags.map((etag, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`
    );
    const { text } = await this.#s3.send({
      method: "POST",
      object: this.#name(upload),
      query: { uploadId: upload.id },
      body: `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
      repeat: false,
      timeout: "long",
    });
    // S3 answers 200 before it has put the parts together, and may say in the body that it could not.
    if (bareEtag(textOf(text, "ETag")) !== null) return;
    const code = textOf(text, "Code") ?? "";
    throw new S3Error(
      200,
      code,
      `the object store could not put the parts together: ${code} ${text.slice(0, 200)}`,
    );
  }

  /** Whether the stored object is the one that these parts make. */
  async #isMadeOf(upload: MultipartUpload, etags: string[]): Promise<boolean> {
    const expected = multipartEtag(etags);
    const stored = await this.inspect(upload);
    return expected !== null && stored?.etag === expected && stored.size === upload.size;
  }

  async discardUpload(upload: MultipartUpload): Promise<void> {
    await this.#abort(this.#name(upload), upload.id);
  }

  /** Uploads that a hub had begun when it died, before it could remember them. */
  async discardUnknownUploads(before: number): Promise<void> {
    const { text } = await this.#s3.send({ method: "GET", query: { uploads: "", prefix: this.#prefix } });
    for (const upload of elementsOf(text, "Upload")) {
      const [name, id] = [textOf(upload, "Key"), textOf(upload, "UploadId")];
      const begun = Date.parse(textOf(upload, "Initiated") ?? "");
      // The bucket may hold uploads that are none of ours.
      if (!name || !id || !OUR_NAME.test(name.slice(this.#prefix.length))) continue;
      if (begun < before && !await this.uploads.isKnown(id)) await this.#abort(name, id);
    }
  }

  async #abort(object: string, uploadId: string): Promise<void> {
    try {
      await this.#s3.send({ method: "DELETE", object, query: { uploadId } });
    } catch (e) {
      if (!(e instanceof S3Error && e.status === 404)) throw asHubError(e);
    }
  }

  async purge(fileUuids: string[]): Promise<void> {
    for (const uuid of fileUuids) {
      try {
        await this.#purge(uuid);
      } catch (e) {
        // The record is gone; the objects go when the hub opens next.
        if (!(e instanceof S3Error)) throw e;
      }
    }
  }

  async #purge(uuid: string): Promise<void> {
    const prefix = `${this.#prefix}${uuid}/`;
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const page: Query = token === undefined ? {} : { "continuation-token": token };
      const { text } = await this.#s3.send({ method: "GET", query: { "list-type": "2", prefix, ...page } });
      token = textOf(text, "NextContinuationToken");
      for (const name of textsOf(text, "Key").filter((name) => name.startsWith(prefix))) {
        // Announced anew since it was removed: it may have been uploaded again.
        if (await this.files.version({ uuid, version_id: Number(name.slice(prefix.length)) })) continue;
        await this.#s3.send({ method: "DELETE", object: name });
      }
    }
    await this.files.purge(uuid, () => {});
  }

  close(): void {
    this.#s3.close();
  }

  #name(key: VersionKey): string {
    return `${this.#prefix}${key.uuid}/${key.version_id}`;
  }
}

/** ETag, and the version of the object in a bucket that keeps versions. */
const Stamp = z.tuple([z.string(), z.string()]);

/** What the hub answers when its store refuses: the client's fault only where S3 says so. */
function asHubError(error: unknown, upload?: MultipartUpload): unknown {
  if (!(error instanceof S3Error)) return error;
  if (error.code === "NoSuchUpload") return noSuchUpload(upload?.id ?? "");
  if (PART_CODES.includes(error.code)) return new HubError(400, `${error.code}: ${error.message}`);
  return new HubError(error.isAmbiguous ? 503 : 500, error.message);
}
