/**
 * One upload in parts, in a folder of its own. Each part is written straight to its place in one file of the full
 * size, `whole`, so that nothing is left to copy in the end. Bytes that were confirmed are never written over: a part
 * that comes again goes to a file of its own, which takes the place of the first only when it differs, and then only
 * once the upload is completed and nothing else can write. The catalogue tells which parts are there.
 */
import { createHash } from "node:crypto";
import type { FileSystem } from "../../env.ts";
import type { ContentFacts, MultipartUpload, UploadCatalogue, UploadPart } from "../catalogue.ts";
import { HubError, invalidPart, noSuchUpload } from "../hub_error.ts";
import { partCount, partRange } from "../part_size.ts";
import { SharedSync } from "../shared_sync.ts";
import { writeAll, writeBody } from "./body.ts";
import { Claims, completing } from "./claims.ts";
import { PIECE } from "./content_hash.ts";
import type { FileHash, HashThread } from "./hash_thread.ts";
import type { Incoming } from "./incoming.ts";
import { RecordedParts } from "./recorded_parts.ts";
import { stampOf } from "./stamp.ts";
import { syncFolder } from "./sync_folder.ts";

/** Bytes that the hashing thread may have before it, so that hashes are there soon after the last part. */
const BUSY = 32 * 1024 * 1024;

export interface PartUploadContext {
  fs: FileSystem;
  uploads: UploadCatalogue;
  incoming: Incoming;
  hashes: HashThread;
}

export class PartUpload {
  readonly #claims = new Claims();
  readonly #sync: SharedSync;
  #hash: FileHash;
  #isCompleting = false;
  #isClosed = false;
  /** Requests under way. */
  #users = 0;

  private constructor(
    private readonly folder: string,
    private readonly upload: MultipartUpload,
    private readonly parts: RecordedParts,
    /** `whole`, to sync it. */
    private readonly file: Deno.FsFile,
    private readonly lock: Deno.FsFile,
    private readonly context: PartUploadContext,
  ) {
    this.#sync = new SharedSync(() => file.syncData());
    this.#hash = context.hashes.count(this.#whole);
    this.#hash.advance(parts.prefix);
  }

  /** Makes the folder of a new upload. */
  static async create(folder: string, size: number, fs: FileSystem): Promise<void> {
    await fs.mkdir(folder, { mode: 0o700 });
    using file = await fs.open(`${folder}/whole`, { write: true, createNew: true, mode: 0o600 });
    await file.truncate(size);
    await syncFolder(folder);
  }

  /**
   * Takes an upload for this process, with the parts that are there.
   * @throws HubError 503 while another process has it, 404 when its folder is gone
   */
  static async open(
    folder: string,
    upload: MultipartUpload,
    context: PartUploadContext,
  ): Promise<PartUpload> {
    let lock: Deno.FsFile | undefined;
    let file: Deno.FsFile | undefined;
    try {
      lock = await context.fs.open(`${folder}/lock`, { write: true, create: true, mode: 0o600 });
      if (!lock.tryLockSync(true)) {
        throw new HubError(503, "another process of this hub is receiving this upload: try again");
      }
      file = await context.fs.open(`${folder}/whole`, { write: true });
      return new PartUpload(
        folder,
        upload,
        await RecordedParts.read(upload, context.uploads),
        file,
        lock,
        context,
      );
    } catch (e) {
      file?.close();
      lock?.close();
      throw e instanceof Deno.errors.NotFound ? noSuchUpload(upload.id) : e;
    }
  }

  get isIdle(): boolean {
    return this.#users === 0;
  }

  get #whole(): string {
    return `${this.folder}/whole`;
  }

  /**
   * Stores a part, durably when this resolves.
   * @param check may refuse what arrived, by throwing; it is given the md5
   * @returns md5 of the part
   * @throws HubError 400 for a number or length that the upload does not have
   */
  async receive(
    number: number,
    body: ReadableStream<Uint8Array> | null,
    length: number,
    check: (md5: string) => void,
  ): Promise<string> {
    const count = partCount(this.upload);
    if (number < 1 || number > count) {
      throw invalidPart(`the upload has ${count} parts, there is no part ${number}`);
    }
    const expected = partRange(this.upload, number).length;
    if (length !== expected) throw invalidPart(`part ${number} has ${expected} bytes, not ${length}`);
    if (this.#isCompleting || this.#isClosed) throw completing();
    this.#users++;
    try {
      if (this.parts.get(number) || this.#claims.has(number)) {
        return await this.#receiveAside(number, body, length, check);
      }
      return await this.#receiveInPlace(number, body, length, check);
    } catch (e) {
      // Its files were closed under the request when it was aborted.
      throw this.#isClosed ? noSuchUpload(this.upload.id) : e;
    } finally {
      this.#users--;
    }
  }

  async #receiveInPlace(
    number: number,
    body: ReadableStream<Uint8Array> | null,
    length: number,
    check: (md5: string) => void,
  ): Promise<string> {
    const claim = this.#claims.take(number);
    try {
      const { start } = partRange(this.upload, number);
      // Two threads share the hashing: this one takes the part when the other has enough to do.
      const { hashes } = this.context;
      const hash = hashes.backlog > BUSY ? createHash("md5") : null;
      using file = await this.context.fs.open(this.#whole, { write: true });
      await file.seek(start, Deno.SeekMode.Start);
      await writeBody(file, body, length, (piece, written) => {
        claim.note(written);
        hash?.update(piece);
      }, () => claim.require());
      const [md5] = await Promise.all([
        hash?.digest("hex") ?? hashes.md5(this.#whole, start, start + length),
        this.#sync.request(),
      ]);
      check(md5);
      claim.require();
      await this.#record({ number, md5, place: null });
      return md5;
    } finally {
      this.#claims.release(number);
    }
  }

  async #receiveAside(
    number: number,
    body: ReadableStream<Uint8Array> | null,
    length: number,
    check: (md5: string) => void,
  ): Promise<string> {
    const { path, md5 } = await this.context.incoming.receive(body, length);
    try {
      check(md5);
      if (this.#isCompleting) throw completing();
      if (this.parts.get(number)?.md5 === md5) return md5;
      const place = `${number}.${crypto.randomUUID()}`;
      await this.context.fs.rename(path, `${this.folder}/${place}`);
      await syncFolder(this.folder);
      if (this.#isCompleting) throw completing();
      await this.#record({ number, md5, place });
      return md5;
    } finally {
      await this.context.incoming.discard(path);
    }
  }

  async #record(part: UploadPart): Promise<void> {
    const counted = this.parts.prefix;
    const earlier = await this.parts.record(part);
    if (earlier?.place) await this.context.fs.remove(`${this.folder}/${earlier.place}`).catch(() => {});
    // What was counted of the whole is none of its bytes any more.
    if (partRange(this.upload, part.number).start < counted) this.#countAnew();
    else this.#hash.advance(this.parts.prefix);
  }

  #countAnew(): void {
    this.#hash.drop();
    if (this.#isClosed) return;
    this.#hash = this.context.hashes.count(this.#whole);
    this.#hash.advance(this.parts.prefix);
  }

  /**
   * Puts the parts together.
   * @param etags of all parts in order, quotes allowed
   * @returns what they are together; `whole` stays as it is from now on
   * @throws HubError 400 InvalidPart, and then parts can come again
   */
  async complete(etags: string[]): Promise<ContentFacts> {
    this.parts.require(etags);
    this.#users++;
    this.#isCompleting = true;
    try {
      // Requests that were given up may still be sending: none of them writes any more.
      await this.#claims.revokeAll();
      this.parts.require(etags);
      await this.#moveIntoPlace();
      const hashes = await this.#hash.digest(this.upload.size);
      const stamp = stampOf(this.#whole);
      if (stamp === null) throw noSuchUpload(this.upload.id);
      return { size: this.upload.size, ...hashes, etag: hashes.md5, stamp };
    } catch (e) {
      this.#countAnew();
      throw e;
    } finally {
      this.#isCompleting = false;
      this.#users--;
    }
  }

  /** Copies parts that came more than once to where they belong. */
  async #moveIntoPlace(): Promise<void> {
    for (const { number, md5, place } of this.parts.aside()) {
      await this.#copyIntoPlace(number, `${this.folder}/${place}`);
      await this.#sync.request();
      await this.#record({ number, md5, place: null });
    }
  }

  async #copyIntoPlace(number: number, path: string): Promise<void> {
    using from = await this.context.fs.open(path);
    using to = await this.context.fs.open(this.#whole, { write: true });
    await to.seek(partRange(this.upload, number).start, Deno.SeekMode.Start);
    const buffer = new Uint8Array(PIECE);
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      await writeAll(to, buffer.subarray(0, n));
    }
  }

  /** Lets go of the upload; its parts stay. Writers under way find it out. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#claims.revokeAll();
    this.#hash.drop();
    this.file.close();
    this.lock.close();
  }
}
