/** The bytes of file versions: the boundary behind which a folder or an S3 store sits. */
import type { Awaitable, MultipartUpload, ObjectFacts, VersionKey } from "./catalogue.ts";

export interface DownloadLink {
  url: string;
  /** End of validity, seconds since 1970. */
  validUntil: number;
}

/** An object that is safely stored. */
export interface StoredObject extends ObjectFacts {
  /** False once other bytes have taken its place, as far as the store can tell without waiting. */
  isCurrent(): boolean;
}

/**
 * A store of objects. Stores differ in what they can prove about an object, and a version is secured on what its store
 * proves ({@link ObjectFacts}):
 *
 * - The folder store has read every byte: size, md5 and SHA-256 of the content.
 * - An S3 store proves size and ETag. The ETag of an object that came in one PUT is the md5 of its bytes. Of one that
 *   came in parts it is a hash of the parts' md5s: `md5` and `sha256` are null then, and the proof is that the store
 *   has put together exactly the parts whose ETags the client named (each of them the md5 of the bytes that it sent),
 *   and that their sizes add up. The md5 of the whole is the client's word.
 */
export interface Objects {
  /** @param origin where the client reached the hub, for stores that the hub serves itself */
  uploadLink(key: VersionKey, origin: string): Awaitable<string>;
  /** @param filename that the download is to have */
  downloadLink(key: VersionKey, filename: string, origin: string): Awaitable<DownloadLink>;
  /** What is stored, durable when this resolves; null when nothing is. */
  inspect(key: VersionKey): Promise<StoredObject | null>;
  /** Begins an upload in parts. @returns its id */
  beginUpload(upload: Omit<MultipartUpload, "id">): Awaitable<string>;
  /** One PUT link a part, in order. */
  partLinks(upload: MultipartUpload, origin: string): Awaitable<string[]>;
  /**
   * Makes the parts the object of their version and ends the upload in the catalogue; either both happen or none, also
   * when it is asked again after a reply was lost. May take long: {@link close} cuts it short.
   * @param etags of all parts in order, as the store answered them
   * @throws HubError 400 InvalidPart for a part that is missing or another one, 404 NoSuchUpload
   */
  completeUpload(upload: MultipartUpload, etags: string[]): Promise<void>;
  /** Deletes the parts of an upload that has ended; fine when they are gone. */
  discardUpload(upload: MultipartUpload): Promise<void>;
  /** Deletes what was begun before a time (ms since 1970) and the catalogue does not know. */
  discardUnknownUploads(before: number): Promise<void>;
  /** Deletes the objects of removed files. */
  purge(fileUuids: string[]): Awaitable<void>;
  close(): Awaitable<void>;
}
