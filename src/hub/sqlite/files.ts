import { z } from "zod";
import { type FileCatalogue, isKept, type ObjectFacts, type VersionKey } from "../catalogue.ts";
import { HubError } from "../hub_error.ts";
import { type FileCreate, type FileRecord, FileStatus } from "../schemas.ts";
import type { Database } from "./database.ts";
import { FILE_COLUMNS, FileRow, Flag, Id } from "./rows.ts";

const FactsRow: z.ZodType<ObjectFacts> = z.object({
  size: z.number(),
  md5: z.string().nullable(),
  sha256: z.string().nullable(),
  etag: z.string(),
  stamp: z.string(),
});

/** What decides whether a version takes bytes. */
const StandingRow = z.object({ status: FileStatus, immutable: Flag });
type Standing = z.infer<typeof StandingRow>;

const KeptRow = z.object({ bytes: z.instanceof(Uint8Array<ArrayBuffer>) });

const label = (key: VersionKey) => `file ${key.uuid} version ${key.version_id}`;

export class SqliteFiles implements FileCatalogue {
  constructor(private readonly db: Database, private readonly now: () => string) {}

  /**
   * Announces a version. One that was never secured can be announced again with another size: whoever takes over an
   * abandoned upload brings bytes of its own.
   */
  create(file: FileCreate): void {
    this.db.write("durable", () => {
      const dataset = this.db.get(Id, "SELECT id FROM datasets WHERE uuid = ?", file.ds_uuid);
      if (!dataset) throw new HubError(404, `dataset ${file.ds_uuid} does not exist`);
      const [other] = this.#select("uuid = ? LIMIT 1", file.uuid);
      if (other && (other.dataset_id !== dataset.id || other.file.name !== file.name)) {
        throw new HubError(409, `uuid ${file.uuid} belongs to another file`);
      }
      const now = this.now();
      const { changes } = this.db.run(
        `INSERT INTO files (dataset_id, uuid, version_id, name, filename, creator, collected, size, type,
           file_generator, ranking, immutable, status, created, modified)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'announced', ?, ?)
         ON CONFLICT DO UPDATE SET size = excluded.size, type = excluded.type, filename = excluded.filename,
           modified = excluded.modified WHERE status <> 'secured' AND size <> excluded.size`,
        dataset.id,
        file.uuid,
        file.version_id,
        file.name,
        file.filename,
        file.creator,
        file.collected,
        file.size,
        file.type,
        file.file_generator,
        file.ranking,
        Number(file.immutable),
        now,
        now,
      );
      if (changes === 0) throw new HubError(409, `${label(file)} exists`);
      this.db.run("UPDATE datasets SET modified = ? WHERE id = ?", now, dataset.id);
    });
  }

  read(uuid: string, versionId?: number): FileRecord[] | null {
    const versions = this.#select("uuid = ? ORDER BY version_id", uuid).map((row) => row.file);
    if (versions.length === 0) return null;
    return versionId === undefined ? versions : versions.filter((file) => file.version_id === versionId);
  }

  version(key: VersionKey): FileRecord | null {
    return this.#select("uuid = ? AND version_id = ?", key.uuid, key.version_id)[0]?.file ?? null;
  }

  readByName(datasetUuid: string, name: string): FileRecord[] {
    return this.#select(
      "dataset_id = (SELECT id FROM datasets WHERE uuid = ?) AND name = ? ORDER BY version_id",
      datasetUuid,
      name,
    ).map((row) => row.file);
  }

  setRanking(key: VersionKey, ranking: number): void {
    this.#change(key, "ranking = ?", ranking);
  }

  markImmutable(key: VersionKey): void {
    this.#change(key, "immutable = 1");
  }

  openUpload(key: VersionKey): void {
    // That a secured version is none any more must be on disk before its bytes can be replaced.
    const wasSecured = this.#standing(key)?.status === "secured";
    this.db.write(wasSecured ? "durable" : "lazy", () => {
      const file = this.#standing(key);
      if (!file) throw new HubError(403, `${label(key)} does not exist`);
      refuseFinal(key, file);
      // Whoever asks for a link has given up what was uploaded before.
      this.db.run(
        "UPDATE files SET object_upload = NULL WHERE uuid = ? AND version_id = ?",
        key.uuid,
        key.version_id,
      );
      if (file.status === "pending") return;
      this.db.run(
        `UPDATE files SET status = 'pending', md5_checksum = NULL, etag = NULL, modified = ?
         WHERE uuid = ? AND version_id = ?`,
        this.now(),
        key.uuid,
        key.version_id,
      );
    });
  }

  requireOpen(key: VersionKey): void {
    const file = this.#requireOverwritable(key);
    if (file.status === "secured") {
      throw new HubError(403, `${label(key)} is secured: ask for a new upload link`);
    }
  }

  replaceObject(key: VersionKey, facts: ObjectFacts, place: (() => void) | Uint8Array): void {
    this.db.write("lazy", () => this.putObject(key, facts, null, place));
  }

  /**
   * {@link replaceObject} inside a transaction of the caller.
   * @param facts null where the store tells them only when it is asked
   * @param upload that made the object, when it came in several parts
   */
  putObject(
    key: VersionKey,
    facts: ObjectFacts | null,
    upload: string | null,
    place: (() => void) | Uint8Array,
  ): void {
    this.requireOpen(key);
    this.#place(key, place);
    this.db.run(
      "UPDATE files SET object_upload = ? WHERE uuid = ? AND version_id = ?",
      upload,
      key.uuid,
      key.version_id,
    );
    if (facts) this.#storeFacts(key, facts);
  }

  /** Small bytes become a row of their own; whatever else takes their place ends that. */
  #place(key: VersionKey, place: (() => void) | Uint8Array): void {
    if (typeof place !== "function") {
      this.db.run(
        `INSERT OR REPLACE INTO kept_objects SELECT id, ? FROM files WHERE uuid = ? AND version_id = ?`,
        place,
        key.uuid,
        key.version_id,
      );
      return;
    }
    place();
    this.db.run(
      "DELETE FROM kept_objects WHERE file_id = (SELECT id FROM files WHERE uuid = ? AND version_id = ?)",
      key.uuid,
      key.version_id,
    );
  }

  keptObject(key: VersionKey): Uint8Array<ArrayBuffer> | null {
    const row = this.db.get(
      KeptRow,
      `SELECT bytes FROM kept_objects
       WHERE file_id = (SELECT id FROM files WHERE uuid = ? AND version_id = ?)`,
      key.uuid,
      key.version_id,
    );
    return row?.bytes ?? null;
  }

  objectFacts(key: VersionKey): ObjectFacts | null {
    return this.db.get(
      FactsRow,
      `SELECT object_size AS size, object_md5 AS md5, object_sha256 AS sha256, object_etag AS etag,
         object_stamp AS stamp
       FROM files WHERE uuid = ? AND version_id = ? AND object_stamp IS NOT NULL`,
      key.uuid,
      key.version_id,
    );
  }

  secure(key: VersionKey, md5Checksum: string, facts: ObjectFacts, isCurrent: () => boolean): boolean {
    return this.db.write("durable", () => {
      this.#requireOverwritable(key);
      const isStill = isKept(facts) ? this.objectFacts(key)?.stamp === facts.stamp : isCurrent();
      if (!isStill) return false;
      this.#storeFacts(key, facts);
      this.db.run(
        `UPDATE files SET status = 'secured', size = ?, md5_checksum = ?, etag = ?, modified = ?
         WHERE uuid = ? AND version_id = ?`,
        facts.size,
        md5Checksum,
        facts.etag,
        this.now(),
        key.uuid,
        key.version_id,
      );
      return true;
    });
  }

  remove(uuid: string): void {
    this.db.write("durable", () => {
      const { changes } = this.db.run("DELETE FROM files WHERE uuid = ?", uuid);
      if (changes === 0) throw new HubError(404, `file ${uuid} does not exist`);
      this.db.run("INSERT OR IGNORE INTO removed_files VALUES (?)", uuid);
    });
  }

  removed(): string[] {
    return this.db.all(z.object({ uuid: z.string() }), "SELECT uuid FROM removed_files").map((row) =>
      row.uuid
    );
  }

  purge(uuid: string, remove: (keep: number[]) => void): void {
    this.db.write("lazy", () => {
      remove(this.#select("uuid = ?", uuid).map((row) => row.file.version_id));
      this.db.run("DELETE FROM removed_files WHERE uuid = ?", uuid);
    });
  }

  #select(condition: string, ...values: (string | number)[]) {
    return this.db.all(FileRow, `SELECT ${FILE_COLUMNS} FROM files WHERE ${condition}`, ...values);
  }

  #standing(key: VersionKey): Standing | null {
    return this.db.get(
      StandingRow,
      "SELECT status, immutable FROM files WHERE uuid = ? AND version_id = ?",
      key.uuid,
      key.version_id,
    );
  }

  #requireOverwritable(key: VersionKey): Standing {
    const file = this.#standing(key);
    if (!file) throw new HubError(404, `${label(key)} does not exist`);
    refuseFinal(key, file);
    return file;
  }

  #change(key: VersionKey, assignment: string, ...values: number[]): void {
    this.db.write("durable", () => {
      const { changes } = this.db.run(
        `UPDATE files SET ${assignment}, modified = ? WHERE uuid = ? AND version_id = ?`,
        ...values,
        this.now(),
        key.uuid,
        key.version_id,
      );
      if (changes === 0) throw new HubError(404, `${label(key)} does not exist`);
    });
  }

  #storeFacts(key: VersionKey, facts: ObjectFacts): void {
    this.db.run(
      `UPDATE files SET object_size = ?, object_md5 = ?, object_sha256 = ?, object_etag = ?, object_stamp = ?
       WHERE uuid = ? AND version_id = ?`,
      facts.size,
      facts.md5,
      facts.sha256,
      facts.etag,
      facts.stamp,
      key.uuid,
      key.version_id,
    );
  }
}

/** A version that is immutable and secured is never touched again. */
function refuseFinal(key: VersionKey, file: Standing): void {
  if (file.immutable && file.status === "secured") {
    throw new HubError(403, `${label(key)} is immutable and already uploaded`);
  }
}
