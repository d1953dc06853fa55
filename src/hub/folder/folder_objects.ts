/** Objects as files, `objects/<file uuid>/<version id>` in the folder of the hub; small ones in its catalogue. */
import type { Env } from "../../env.ts";
import {
  type Catalogue,
  type ContentFacts,
  type FileCatalogue,
  isKept,
  keptStamp,
  type MultipartUpload,
  type VersionKey,
} from "../catalogue.ts";
import type { Objects, StoredObject } from "../objects.ts";
import { partCount } from "../part_size.ts";
import { SharedSync } from "../shared_sync.ts";
import { wholeBody } from "./body.ts";
import type { ByteRange } from "./byte_range.ts";
import { ContentHash, PIECE } from "./content_hash.ts";
import { streamFile } from "./file_stream.ts";
import { Incoming } from "./incoming.ts";
import { LinkSigner } from "./link_signer.ts";
import { PartUploads } from "./part_uploads.ts";
import { stampOf } from "./stamp.ts";
import { syncFolder, syncFolderNow } from "./sync_folder.ts";

/**
 * Smaller ones are kept in the catalogue, bytes: a row costs a small part of what a file, its folder and their ways to the
 * disk cost.
 */
export const KEPT_BELOW = 64 * 1024;

/** An object that can be read once. */
export interface OpenObject {
  size: number;
  /** Ends it, and closes it when it has been read. */
  read(range: ByteRange): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;
  close(): void;
}

export class FolderObjects implements Objects {
  readonly #root: string;
  readonly #rootSync: SharedSync;
  readonly #incoming: Incoming;
  private readonly files: FileCatalogue;
  readonly parts: PartUploads;

  /** Opens the object folders below `directory`, and ends what a process that died had left undone. */
  constructor(
    directory: string,
    catalogue: Pick<Catalogue, "files" | "uploads" | "durable">,
    readonly signer: LinkSigner,
    private readonly env: Env,
  ) {
    this.files = catalogue.files;
    this.#root = `${directory}/objects`;
    Deno.mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    this.#rootSync = new SharedSync(() => syncFolder(this.#root));
    this.#incoming = Incoming.open(`${directory}/incoming`, env.uuid(), env.fs);
    this.parts = new PartUploads(`${directory}/uploads`, catalogue, this.#incoming, env);
  }

  uploadLink(key: VersionKey, origin: string): string {
    return this.signer.link("PUT", key, origin).url;
  }

  downloadLink(key: VersionKey, _filename: string, origin: string) {
    return this.signer.link("GET", key, origin);
  }

  /**
   * Stores a body as the object of a version; of several at once the one that is complete last stays.
   * @param request whose body it is
   * @param length bytes announced
   * @param check may refuse what arrived, by throwing
   * @returns what arrived, counted by the hub
   * @throws HubError 400 wrong length; 403 and 404 as `FileCatalogue.replaceObject`
   */
  async store(
    key: VersionKey,
    request: Request,
    length: number,
    check: (facts: ContentFacts) => void,
  ): Promise<ContentFacts> {
    if (length < KEPT_BELOW) return await this.#keep(key, await wholeBody(request, length), check);
    const { path, ...content } = await this.#incoming.receive(request.body, length);
    try {
      const stamp = stampOf(path);
      if (stamp === null) throw new Error(`${path} vanished while it was received`);
      const facts = { ...content, etag: content.md5, stamp };
      check(facts);
      await this.files.replaceObject(key, facts, () => {
        Deno.mkdirSync(this.#folder(key.uuid), { recursive: true });
        Deno.renameSync(path, this.#path(key));
      });
      return facts;
    } catch (e) {
      await this.#incoming.discard(path);
      throw e;
    }
  }

  async #keep(
    key: VersionKey,
    bytes: Uint8Array,
    check: (facts: ContentFacts) => void,
  ): Promise<ContentFacts> {
    const hash = new ContentHash();
    hash.update(bytes);
    const content = hash.digest();
    const facts = { ...content, etag: content.md5, stamp: keptStamp(this.env.uuid()) };
    check(facts);
    const before = await this.files.objectFacts(key);
    await this.files.replaceObject(key, facts, bytes);
    // Of a kill in between a file is left that nothing leads to; it goes with its record.
    if (before && !isKept(before)) await Deno.remove(this.#path(key)).catch(() => {});
    return facts;
  }

  async inspect(key: VersionKey): Promise<StoredObject | null> {
    const path = this.#path(key);
    const known = await this.files.objectFacts(key);
    // The catalogue looks at its stamp again, inside the transaction that secures it.
    if (known && isKept(known)) return { ...known, isCurrent: () => true };
    const stamp = stampOf(path);
    if (stamp === null) return null;
    // After a kill between renaming and committing, or on a restored copy, the facts are of another file: count again.
    const facts = known?.stamp === stamp ? known : { ...await hashFile(path), stamp };
    await syncFolder(this.#folder(key.uuid));
    await this.#rootSync.request();
    return { ...facts, isCurrent: () => stampOf(path) === facts.stamp };
  }

  /** Opens an object for reading; null when there is none. */
  async open(key: VersionKey): Promise<OpenObject | null> {
    const bytes = await this.files.keptObject(key);
    if (bytes) {
      return { size: bytes.length, read: ({ start, end }) => bytes.subarray(start, end), close: () => {} };
    }
    try {
      const file = await Deno.open(this.#path(key));
      const { size } = await file.stat();
      return { size, read: (range) => streamFile(file, range), close: () => file.close() };
    } catch (e) {
      if (e instanceof Deno.errors.NotFound) return null;
      throw e;
    }
  }

  beginUpload({ size }: Omit<MultipartUpload, "id">): Promise<string> {
    return this.parts.begin(size);
  }

  partLinks(upload: MultipartUpload, origin: string): string[] {
    return Array.from(
      { length: partCount(upload) },
      (_, i) => this.signer.link("PUT", upload, origin, { uploadId: upload.id, partNumber: i + 1 }).url,
    );
  }

  completeUpload(upload: MultipartUpload, etags: string[]): Promise<void> {
    return this.parts.complete(upload, etags, this.#path(upload), (whole) => {
      const folder = this.#folder(upload.uuid);
      Deno.mkdirSync(folder, { recursive: true });
      Deno.renameSync(whole, this.#path(upload));
      // Else a power cut could undo the renaming and not the end of the upload: the parts would be given up for it.
      syncFolderNow(folder);
      syncFolderNow(this.#root);
    });
  }

  discardUpload({ id }: MultipartUpload): Promise<void> {
    return this.parts.discard(id);
  }

  discardUnknownUploads(before: number): Promise<void> {
    return this.parts.discardUnknown(before);
  }

  async purge(fileUuids: string[]): Promise<void> {
    for (const uuid of fileUuids) {
      const folder = this.#folder(uuid);
      try {
        await this.files.purge(uuid, (keep) => {
          const kept = new Set(keep.map(String));
          for (const { name } of [...Deno.readDirSync(folder)]) {
            if (!kept.has(name)) Deno.removeSync(`${folder}/${name}`);
          }
          if (kept.size === 0) Deno.removeSync(folder);
        });
      } catch (e) {
        // Never uploaded: nothing to delete. A file that is held open (Windows) is deleted when the hub opens next.
        if (e instanceof Deno.errors.NotFound) await this.files.purge(uuid, () => {});
        else if (!(e instanceof Deno.errors.PermissionDenied)) throw e;
      }
    }
  }

  async close(): Promise<void> {
    await this.parts.close();
    this.#incoming.close();
  }

  #folder(fileUuid: string): string {
    return `${this.#root}/${fileUuid}`;
  }

  #path(key: VersionKey): string {
    return `${this.#folder(key.uuid)}/${key.version_id}`;
  }
}

async function hashFile(path: string): Promise<Omit<ContentFacts, "stamp">> {
  const hash = new ContentHash();
  using file = await Deno.open(path);
  const buffer = new Uint8Array(PIECE);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    hash.update(buffer.subarray(0, n));
  }
  const content = hash.digest();
  return { ...content, etag: content.md5 };
}
