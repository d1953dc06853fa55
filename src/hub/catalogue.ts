/**
 * What the hub remembers about users, scopes, datasets and files: the boundary behind which a database sits.
 * Refusals are thrown as {@link HubError} with the status that the contract names. The bytes of files are none of
 * its business; they are behind {@link Objects}.
 */
import type {
  BugReport,
  DatasetCreate,
  DatasetRecord,
  DatasetSearch,
  DatasetSelection,
  DatasetUpdate,
  FileCreate,
  FileRecord,
  Page,
  Scope,
  ScopeCreate,
  ScopeUpdate,
  User,
} from "./schemas.ts";

export type Awaitable<T> = T | Promise<T>;

/** One version of one file. */
export interface VersionKey {
  uuid: string;
  version_id: number;
}

/** What a store can prove about the bytes of an object; hashes in lower-case hex. */
export interface ObjectFacts {
  size: number;
  /** Null when the store has not hashed the bytes as a whole. */
  md5: string | null;
  sha256: string | null;
  /** As the store answers it, without quotes. */
  etag: string;
  /** Changes with the stored object: tells whether the facts still describe it. */
  stamp: string;
}

/** Stamps of objects whose bytes the catalogue keeps begin so; what follows is new for each object. */
const KEPT = "kept ";

export function keptStamp(id: string): string {
  return KEPT + id;
}

/** Whether the bytes are in the catalogue itself. */
export function isKept({ stamp }: Pick<ObjectFacts, "stamp">): boolean {
  return stamp.startsWith(KEPT);
}

/** Facts about bytes that the hub has read itself. */
export interface ContentFacts extends ObjectFacts {
  md5: string;
  sha256: string;
}

/** An upload in several parts that is under way. */
export interface MultipartUpload extends VersionKey {
  id: string;
  /** Bytes of the whole, as announced when it began. */
  size: number;
  /** Bytes of each part but the last, which has the rest. */
  part_size: number;
}

/** A part that is safely stored. */
export interface UploadPart {
  /** From 1. */
  number: number;
  md5: string;
  /** Where its bytes are; null: at their place in the whole. */
  place: string | null;
}

export interface UserCatalogue {
  list(filter: { name?: string; email?: string }): Awaitable<User[]>;
  /** @throws HubError 404 user_not_found */
  read(sub: string): Awaitable<User>;
}

export interface ScopeCatalogue {
  /** @param name part of the name, case ignored */
  list(name?: string): Awaitable<Scope[]>;
  /** @throws HubError 404 scope_not_found */
  read(uid: string): Awaitable<Scope>;
  /** @throws HubError 403 for a scope that is unknown or not open to the caller */
  requireAccess(uids: string[]): Awaitable<void>;
  /** @throws HubError 409 scope_uid_in_use */
  create(scope: ScopeCreate): Awaitable<void>;
  update(uid: string, changes: ScopeUpdate): Awaitable<void>;
  /** @throws HubError 400 while it holds datasets */
  remove(uid: string): Awaitable<void>;
}

export interface DatasetCatalogue {
  /** @throws HubError 400 uuid or alt_uid in use, alt_uid equal to the uuid; 403 scope unknown */
  create(dataset: DatasetCreate): Awaitable<void>;
  readByUuid(uuid: string, scope?: string): Awaitable<DatasetRecord>;
  readByAltUid(altUid: string, scope: string): Awaitable<DatasetRecord>;
  /** @throws HubError 404; 406 when the alt_uid is found in more than one scope */
  readByEither(uuidOrAltUid: string, scope?: string): Awaitable<DatasetRecord>;
  update(uuid: string, changes: DatasetUpdate): Awaitable<void>;
  /** Moves a dataset with its files to another scope; the same scope again changes nothing. */
  move(uuid: string, scope: string): Awaitable<void>;
  /** @returns uuids of the files whose objects can go */
  remove(uuid: string): Awaitable<string[]>;
  search(search: DatasetSearch, page: Page): Awaitable<DatasetRecord[]>;
  /** Attribute keys with their values, over the selected datasets. */
  attributes(selection: DatasetSelection): Awaitable<Record<string, string[]>>;
  /** Days (`YYYY-MM-DD` in the search's time zone) on which datasets were collected, newest first. */
  distinctDates(search: DatasetSearch): Awaitable<string[]>;
}

export interface FileCatalogue {
  /** @throws HubError 404 dataset unknown; 409 version known, or uuid in use for another file */
  create(file: FileCreate): Awaitable<void>;
  /** All versions of a file, or the one asked for; null when no version of that uuid is known. */
  read(uuid: string, versionId?: number): Awaitable<FileRecord[] | null>;
  version(key: VersionKey): Awaitable<FileRecord | null>;
  readByName(datasetUuid: string, name: string): Awaitable<FileRecord[]>;
  setRanking(key: VersionKey, ranking: number): Awaitable<void>;
  markImmutable(key: VersionKey): Awaitable<void>;
  /** Makes a version ready for an upload (status `pending`). @throws HubError 403 unknown, or immutable and secured */
  openUpload(key: VersionKey): Awaitable<void>;
  /** Refuses uploads of a version that is unknown (404) or secured (403). */
  requireOpen(key: VersionKey): Awaitable<void>;
  /**
   * Puts an object in place while nobody else can secure or replace the version.
   * @param place makes the object the current one; runs inside the transaction, so it must not wait. Or the bytes, for the
   * catalogue to keep
   * @throws HubError as {@link requireOpen}
   */
  replaceObject(key: VersionKey, facts: ObjectFacts, place: (() => void) | Uint8Array): Awaitable<void>;
  /** The bytes of an object that the catalogue keeps. */
  keptObject(key: VersionKey): Awaitable<Uint8Array<ArrayBuffer> | null>;
  /** Facts of the object that was put in place last; they hold while its stamp is unchanged. */
  objectFacts(key: VersionKey): Awaitable<ObjectFacts | null>;
  /**
   * Sets the status `secured`.
   * @param isCurrent whether the facts still describe the stored object; asked inside the transaction
   * @returns false when they don't, and nothing was changed
   */
  secure(
    key: VersionKey,
    md5Checksum: string,
    facts: ObjectFacts,
    isCurrent: () => boolean,
  ): Awaitable<boolean>;
  /** @throws HubError 404 */
  remove(uuid: string): Awaitable<void>;
  /** Files whose records are gone but whose objects may still be there. */
  removed(): Awaitable<string[]>;
  /** @param remove deletes the objects of all versions but those given; runs inside the transaction */
  purge(uuid: string, remove: (keep: number[]) => void): Awaitable<void>;
}

/** Uploads in several parts. One that has ended takes no parts and can not be completed; it waits to be cleaned up. */
export interface UploadCatalogue {
  /** Remembers an upload as the open one of its version; an earlier one is ended. */
  begin(upload: MultipartUpload): Awaitable<void>;
  /** An open upload; null when there is none of that id. */
  find(id: string): Awaitable<MultipartUpload | null>;
  end(id: string): Awaitable<void>;
  /**
   * Ends an upload whose object is complete, and remembers it as the one that made the object of its version.
   * @param place makes the object the current one; runs inside the transaction, so it must not wait
   * @throws HubError 404 when the upload is not open any more, 403 immutable and secured
   */
  complete(upload: MultipartUpload, facts: ObjectFacts | null, place: () => void): Awaitable<void>;
  /** The upload that made the object of a version, unless another link was handed out since. */
  completed(key: VersionKey): Awaitable<string | null>;
  /** Uploads to be cleaned up: ended, begun before `before` (ms since 1970), or of a version that is gone. */
  leftOver(before: number): Awaitable<MultipartUpload[]>;
  /** Removes every trace of an upload. */
  forget(id: string): Awaitable<void>;
  /** Whether an upload is remembered, open or ended. */
  isKnown(id: string): Awaitable<boolean>;
  /** Parts that are safely stored, by number. */
  parts(id: string): Awaitable<UploadPart[]>;
  /** Remembers a part in place of an earlier one. @throws HubError 404 when the upload is not open any more */
  recordPart(id: string, part: UploadPart): Awaitable<void>;
  /** Remembers what the parts are together, before they become the object. */
  recordWhole(id: string, facts: ContentFacts): Awaitable<void>;
  /** What {@link recordWhole} remembered last. */
  whole(id: string): Awaitable<ContentFacts | null>;
}

export interface Catalogue {
  uploads: UploadCatalogue;
  users: UserCatalogue;
  scopes: ScopeCatalogue;
  datasets: DatasetCatalogue;
  files: FileCatalogue;
  storeBugReport(report: BugReport, reporter: string): Awaitable<void>;
  /** A value that was drawn once when the hub was created. */
  setting(name: "signing_key" | "bucket_uuid" | "resource_uuid"): Awaitable<string>;
  /** What {@link durable} is to answer for begins here. */
  mark(): number;
  /**
   * Resolves once everything that was answered so far survives a power cut.
   * @throws when something that was changed since the mark was lost, on a full disk
   */
  durable(mark?: number): Promise<void>;
  close(): Awaitable<void>;
}
