/**
 * Uploads in parts: a folder each below `uploads`. What is there survives the death of the process; whoever opens the
 * hub next goes on with it. An upload belongs to one process at a time: the one that holds its lock, from the first
 * part on until the upload has ended, was left alone for a while, or the process is gone.
 */
import type { Env } from "../../env.ts";
import type { Catalogue, ContentFacts, MultipartUpload, VersionKey } from "../catalogue.ts";
import { noSuchUpload } from "../hub_error.ts";
import { HashThread } from "./hash_thread.ts";
import type { Incoming } from "./incoming.ts";
import { PartUpload } from "./part_upload.ts";
import { RecordedParts } from "./recorded_parts.ts";
import { stampOf } from "./stamp.ts";

/** An upload without requests for so long is let go of, ms. */
const IDLE = 600_000;

type UploadCatalogues = Pick<Catalogue, "uploads" | "durable">;

interface HeldUpload {
  opening: Promise<PartUpload>;
  /** Null until it is open. */
  upload: PartUpload | null;
  /** Monotonic, ms. */
  usedAt: number;
}

export class PartUploads {
  readonly #held = new Map<string, HeldUpload>();
  readonly #hashes = new HashThread();

  constructor(
    private readonly root: string,
    private readonly catalogue: UploadCatalogues,
    private readonly incoming: Incoming,
    private readonly env: Env,
  ) {
    Deno.mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  /** @returns the id of a new upload */
  async begin(size: number): Promise<string> {
    const id = this.env.uuid();
    await PartUpload.create(this.#folder(id), size, this.env.fs);
    return id;
  }

  /** Stores a part. @throws HubError 404 NoSuchUpload, and as {@link PartUpload.receive} */
  async receive(
    key: VersionKey & { uploadId: string; partNumber: number },
    body: ReadableStream<Uint8Array> | null,
    length: number,
    check: (md5: string) => void,
  ): Promise<string> {
    const upload = await this.catalogue.uploads.find(key.uploadId);
    if (!upload || upload.uuid !== key.uuid || upload.version_id !== key.version_id) {
      throw noSuchUpload(key.uploadId);
    }
    return (await this.#take(upload)).receive(key.partNumber, body, length, check);
  }

  /**
   * Puts the parts of an upload together and moves them to where objects are.
   * @param objectPath where the object is to be
   * @param place moves a file there; runs inside the transaction that ends the upload
   * @throws HubError 400 InvalidPart, 404 NoSuchUpload
   */
  async complete(
    upload: MultipartUpload,
    etags: string[],
    objectPath: string,
    place: (whole: string) => void,
  ): Promise<void> {
    const { uploads } = this.catalogue;
    const known = await uploads.whole(upload.id);
    // Moved by a process that was killed before it could say so.
    if (known && stampOf(objectPath) === known.stamp) {
      (await RecordedParts.read(upload, uploads)).require(etags);
      return await uploads.complete(upload, known, () => {});
    }
    const facts: ContentFacts = await (await this.#take(upload)).complete(etags);
    await uploads.recordWhole(upload.id, facts);
    await this.catalogue.durable();
    await uploads.complete(upload, facts, () => place(`${this.#folder(upload.id)}/whole`));
    await this.#letGo(upload.id);
  }

  /** Deletes an upload that has ended. */
  async discard(id: string): Promise<void> {
    await this.#letGo(id);
    try {
      await this.env.fs.remove(this.#folder(id), { recursive: true });
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
  }

  /** Deletes folders made before `before` (ms since 1970) by processes that died before they could remember them. */
  async discardUnknown(before: number): Promise<void> {
    for (const { name } of [...this.env.fs.readDirSync(this.root)]) {
      const made = (await this.env.fs.stat(this.#folder(name))).mtime?.getTime() ?? before;
      if (made < before && !await this.catalogue.uploads.isKnown(name)) await this.discard(name);
    }
  }

  /** The upload, held by this process. */
  async #take(upload: MultipartUpload): Promise<PartUpload> {
    this.#letGoIdle();
    let held = this.#held.get(upload.id);
    if (!held) {
      const { env: { fs }, catalogue: { uploads }, incoming } = this;
      const context = { fs, uploads, incoming, hashes: this.#hashes };
      held = { opening: PartUpload.open(this.#folder(upload.id), upload, context), upload: null, usedAt: 0 };
      this.#held.set(upload.id, held);
    }
    held.usedAt = this.env.monotonic();
    try {
      return held.upload = await held.opening;
    } catch (e) {
      if (this.#held.get(upload.id) === held) this.#held.delete(upload.id);
      throw e;
    }
  }

  #letGoIdle(): void {
    const before = this.env.monotonic() - IDLE;
    for (const [id, { upload, usedAt }] of this.#held) {
      if (upload?.isIdle && usedAt < before) this.#letGo(id);
    }
  }

  async #letGo(id: string): Promise<void> {
    const held = this.#held.get(id);
    this.#held.delete(id);
    await held?.opening.then((upload) => upload.close(), () => {});
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((id) => this.#letGo(id)));
  }

  #folder(id: string): string {
    return `${this.root}/${id}`;
  }
}
