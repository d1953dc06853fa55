import { z } from "zod";
import type {
  ContentFacts,
  MultipartUpload,
  ObjectFacts,
  UploadCatalogue,
  UploadPart,
  VersionKey,
} from "../catalogue.ts";
import { noSuchUpload } from "../hub_error.ts";
import type { Database } from "./database.ts";
import type { SqliteFiles } from "./files.ts";
import { json } from "./rows.ts";

const UploadRow: z.ZodType<MultipartUpload> = z.object({
  id: z.string(),
  uuid: z.string(),
  version_id: z.number(),
  size: z.number(),
  part_size: z.number(),
});
const COLUMNS = "id, file_uuid AS uuid, version_id, size, part_size";

const PartRow: z.ZodType<UploadPart> = z.object({
  number: z.number(),
  md5: z.string(),
  place: z.string().nullable(),
});

const WholeRow = z.object({
  whole: json(z.object({
    size: z.number(),
    md5: z.string(),
    sha256: z.string(),
    etag: z.string(),
    stamp: z.string(),
  })),
});

export class SqliteUploads implements UploadCatalogue {
  /** @param now ms since 1970 */
  constructor(
    private readonly db: Database,
    private readonly files: SqliteFiles,
    private readonly now: () => number,
  ) {}

  begin(upload: MultipartUpload): void {
    this.db.write("durable", () => {
      this.db.run(
        "UPDATE uploads SET ended = 1 WHERE file_uuid = ? AND version_id = ?",
        upload.uuid,
        upload.version_id,
      );
      this.db.run(
        `INSERT INTO uploads (id, file_uuid, version_id, size, part_size, begun) VALUES (?, ?, ?, ?, ?, ?)`,
        upload.id,
        upload.uuid,
        upload.version_id,
        upload.size,
        upload.part_size,
        Math.floor(this.now()),
      );
    });
  }

  find(id: string): MultipartUpload | null {
    return this.db.get(UploadRow, `SELECT ${COLUMNS} FROM uploads WHERE id = ? AND NOT ended`, id);
  }

  end(id: string): void {
    this.db.write("durable", () => this.db.run("UPDATE uploads SET ended = 1 WHERE id = ?", id));
  }

  complete(upload: MultipartUpload, facts: ObjectFacts | null, place: () => void): void {
    this.db.write("durable", () => {
      this.#requireOpen(upload.id);
      this.files.putObject(upload, facts, upload.id, place);
      this.db.run("UPDATE uploads SET ended = 1 WHERE id = ?", upload.id);
    });
  }

  completed(key: VersionKey): string | null {
    const row = this.db.get(
      z.object({ object_upload: z.string().nullable() }),
      "SELECT object_upload FROM files WHERE uuid = ? AND version_id = ?",
      key.uuid,
      key.version_id,
    );
    return row?.object_upload ?? null;
  }

  leftOver(before: number): MultipartUpload[] {
    return this.db.all(
      UploadRow,
      `SELECT ${COLUMNS} FROM uploads u WHERE ended OR begun < ? OR NOT EXISTS (
         SELECT 1 FROM files f WHERE f.uuid = u.file_uuid AND f.version_id = u.version_id)`,
      Math.floor(before),
    );
  }

  forget(id: string): void {
    this.db.write("lazy", () => this.db.run("DELETE FROM uploads WHERE id = ?", id));
  }

  isKnown(id: string): boolean {
    return this.db.get(z.object({ id: z.string() }), "SELECT id FROM uploads WHERE id = ?", id) !== null;
  }

  parts(id: string): UploadPart[] {
    return this.db.all(
      PartRow,
      "SELECT number, md5, place FROM upload_parts WHERE upload_id = ? ORDER BY number",
      id,
    );
  }

  recordPart(id: string, part: UploadPart): void {
    this.db.write("durable", () => {
      this.#requireOpen(id);
      this.db.run(
        "INSERT OR REPLACE INTO upload_parts VALUES (?, ?, ?, ?)",
        id,
        part.number,
        part.md5,
        part.place,
      );
    });
  }

  recordWhole(id: string, facts: ContentFacts): void {
    this.db.write("durable", () => {
      this.#requireOpen(id);
      this.db.run("UPDATE uploads SET whole = ? WHERE id = ?", JSON.stringify(facts), id);
    });
  }

  whole(id: string): ContentFacts | null {
    return this.db.get(WholeRow, "SELECT whole FROM uploads WHERE id = ? AND whole IS NOT NULL", id)?.whole ??
      null;
  }

  #requireOpen(id: string): void {
    if (!this.find(id)) throw noSuchUpload(id);
  }
}
