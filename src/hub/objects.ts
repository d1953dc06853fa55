/** The bytes of file versions: the boundary behind which a folder, later an S3 store, sits. */
import type { Awaitable, ContentFacts, VersionKey } from "./catalogue.ts";

export interface DownloadLink {
  url: string;
  /** End of validity, seconds since 1970. */
  validUntil: number;
}

/** An object that is safely stored. */
export interface StoredObject extends ContentFacts {
  /** False once other bytes have taken its place. */
  isCurrent(): boolean;
}

export interface Objects {
  /** @param origin where the client reached the hub, for stores that the hub serves itself */
  uploadLink(key: VersionKey, origin: string): Awaitable<string>;
  downloadLink(key: VersionKey, origin: string): Awaitable<DownloadLink>;
  /** Size and hashes of what is stored, durable when this resolves; null when nothing is. */
  inspect(key: VersionKey): Promise<StoredObject | null>;
  /** Deletes the objects of removed files. */
  purge(fileUuids: string[]): Awaitable<void>;
  close(): Awaitable<void>;
}
