/** Uploads in several parts, whatever store they go to: beginning, completing, giving up, cleaning up. */
import type { Env } from "../env.ts";
import type { Catalogue, MultipartUpload, VersionKey } from "./catalogue.ts";
import { HubError, noSuchUpload } from "./hub_error.ts";
import type { Objects } from "./objects.ts";
import { partSizeFor } from "./part_size.ts";
import type { FileRecord, FileValidate } from "./schemas.ts";
import { validateUpload } from "./validate_upload.ts";

const HOUR = 3_600_000;
/** Links live for 24 h; an upload that none of them can reach any more was left by a client that died. */
const ABANDONED_AFTER = 26 * HOUR;
const SWEEP_EVERY = HOUR;
/** Clients give up on a call after 10 s: before that they are told to ask again. */
const PATIENCE = 6_000;

export interface UploadLinks extends VersionKey {
  upload_id: string;
  part_size: number;
  presigned_urls: string[];
}

export class MultipartUploads {
  /** The last of the completions and aborts under way, by upload. */
  readonly #endings = new Map<string, Promise<void>>();
  #sweeping: Promise<void> = Promise.resolve();
  #nextSweep = -Infinity;

  constructor(
    private readonly catalogue: Catalogue,
    private readonly objects: Objects,
    private readonly env: Env,
  ) {}

  /**
   * Begins an upload of a version and ends an earlier one.
   * @throws HubError 403 unknown, or immutable and secured
   */
  async begin(key: VersionKey, origin: string): Promise<UploadLinks> {
    const { files, uploads } = this.catalogue;
    await files.openUpload(key);
    const size = (await files.version(key))?.size ?? 0;
    const plan = { ...key, size, part_size: partSizeFor(size) };
    const upload = { ...plan, id: await this.objects.beginUpload(plan) };
    await uploads.begin(upload);
    this.sweep();
    return {
      ...key,
      upload_id: upload.id,
      part_size: upload.part_size,
      presigned_urls: await this.objects.partLinks(upload, origin),
    };
  }

  /**
   * Completes an upload and secures its version. Asking again is harmless: it waits for what is under way, goes on
   * where an earlier attempt stopped, and finds what it had done.
   * @throws HubError as {@link validateUpload} and `Objects.completeUpload`; 503 when it takes long: ask again
   */
  async validate(request: FileValidate): Promise<void> {
    const completion = this.#inTurn(request.upload_id, () => this.#complete(request));
    const done = new AbortController();
    const late = this.env.sleep(PATIENCE, done.signal).then(() => {
      throw new HubError(503, "the hub is still putting the parts together: ask again");
    });
    late.catch(() => {});
    try {
      await Promise.race([completion, late]);
    } finally {
      done.abort();
    }
  }

  /** Ends an upload in one way at a time, whether or not anybody still waits for it. */
  #inTurn(uploadId: string, end: () => Promise<void>): Promise<void> {
    const earlier = this.#endings.get(uploadId) ?? Promise.resolve();
    const ending = earlier.catch(() => {}).then(end).finally(() => {
      if (this.#endings.get(uploadId) === ending) this.#endings.delete(uploadId);
    });
    ending.catch(() => {});
    this.#endings.set(uploadId, ending);
    return ending;
  }

  async #complete(request: FileValidate): Promise<void> {
    const { files, uploads } = this.catalogue;
    const record = await files.version(request);
    if (!record) throw new HubError(404, `file ${request.uuid} version ${request.version_id} does not exist`);
    if (await uploads.completed(request) === request.upload_id) {
      if (isSecured(record, request)) return;
    } else {
      // A store may put another object in place before it can be asked whether that is allowed.
      await files.requireOpen(request);
      await this.objects.completeUpload(await this.#open(request, request.upload_id), request.etags);
    }
    await validateUpload(request, this.catalogue, this.objects);
    this.sweep();
  }

  /** Ends an upload and deletes its parts. @throws HubError 404 NoSuchUpload */
  abort(key: VersionKey, uploadId: string): Promise<void> {
    return this.#inTurn(uploadId, async () => {
      const upload = await this.#open(key, uploadId);
      await this.catalogue.uploads.end(upload.id);
      await this.#discard(upload);
    });
  }

  async #open(key: VersionKey, uploadId: string): Promise<MultipartUpload> {
    const upload = await this.catalogue.uploads.find(uploadId);
    if (!upload || upload.uuid !== key.uuid || upload.version_id !== key.version_id) {
      throw noSuchUpload(uploadId);
    }
    return upload;
  }

  async #discard(upload: MultipartUpload): Promise<void> {
    await this.objects.discardUpload(upload);
    await this.catalogue.uploads.forget(upload.id);
  }

  /** Deletes, in the background, what ended or abandoned uploads have left. What fails is tried again the next time. */
  sweep(): void {
    this.#sweeping = this.#sweeping.then(() => this.#sweep()).catch(() => {});
  }

  async #sweep(): Promise<void> {
    const before = this.env.now() - ABANDONED_AFTER;
    for (const upload of await this.catalogue.uploads.leftOver(before)) {
      if (this.#endings.has(upload.id)) continue;
      await this.catalogue.uploads.end(upload.id);
      await this.#discard(upload).catch(() => {});
    }
    if (this.env.monotonic() < this.#nextSweep) return;
    this.#nextSweep = this.env.monotonic() + SWEEP_EVERY;
    await this.objects.discardUnknownUploads(before);
  }

  /** Resolves once nothing is under way; call it when no request can come any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#endings.values());
    await this.#sweeping;
  }
}

function isSecured(record: FileRecord, request: FileValidate): boolean {
  return record.status === "secured" && record.md5_checksum === request.md5_checksum;
}
