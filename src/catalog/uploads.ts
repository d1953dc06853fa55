/** The journal of uploads in parts, in the catalog: an upload goes on after a crash with the parts that are missing (U7). */
import { z } from "zod";
import type { CatalogDatabase, Row } from "./database.ts";

const entrySchema = z.object({
  file_uuid: z.string(),
  version_id: z.number(),
  upload_id: z.string(),
  part_size: z.number(),
  urls: z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text))),
  expires: z.number(),
  path: z.string(),
  fingerprint: z.string().transform((text) =>
    z.object({ size: z.number(), mtime_ns: z.string(), file_id: z.string() }).parse(JSON.parse(text))
  ),
  sha256: z.string(),
  started: z.number(),
});
export type UploadRow = z.infer<typeof entrySchema>;

const partSchema = z.object({ number: z.number(), md5: z.string(), etag: z.string() });
export type UploadPartRow = z.infer<typeof partSchema>;

export class UploadStore {
  constructor(private readonly db: CatalogDatabase) {}

  /** The open upload of a version with its confirmed parts, in order. */
  find(file_uuid: string, version_id: number): (UploadRow & { parts: UploadPartRow[] }) | undefined {
    const row = this.db.get(
      "SELECT * FROM uploads WHERE file_uuid = ? AND version_id = ?",
      file_uuid,
      version_id,
    );
    if (!row) return undefined;
    const parts = this.db.all(
      "SELECT number, md5, etag FROM upload_parts WHERE file_uuid = ? AND version_id = ? ORDER BY number",
      file_uuid,
      version_id,
    );
    return { ...parse(row), parts: parts.map((p) => partSchema.parse({ ...p })) };
  }

  /** Remembers a new upload in place of an older one of the same version. */
  begin(entry: UploadRow): void {
    this.db.transaction(() => {
      this.end(entry.file_uuid, entry.version_id);
      this.db.run(
        "INSERT INTO uploads VALUES (?,?,?,?,?,?,?,?,?,?)",
        entry.file_uuid,
        entry.version_id,
        entry.upload_id,
        entry.part_size,
        JSON.stringify(entry.urls),
        entry.expires,
        entry.path,
        JSON.stringify(entry.fingerprint),
        entry.sha256,
        entry.started,
      );
    });
  }

  partDone(file_uuid: string, version_id: number, part: UploadPartRow): void {
    this.db.note(
      "INSERT OR REPLACE INTO upload_parts VALUES (?,?,?,?,?)",
      file_uuid,
      version_id,
      part.number,
      part.md5,
      part.etag,
    );
  }

  /** Open uploads of any version of a file. */
  ofFile(file_uuid: string): UploadRow[] {
    return this.db.all("SELECT * FROM uploads WHERE file_uuid = ?", file_uuid).map(parse);
  }

  end(file_uuid: string, version_id: number): void {
    this.db.transaction(() => {
      this.db.run("DELETE FROM upload_parts WHERE file_uuid = ? AND version_id = ?", file_uuid, version_id);
      this.db.run("DELETE FROM uploads WHERE file_uuid = ? AND version_id = ?", file_uuid, version_id);
    });
  }

  /** Uploads that began before a time, ms of the platform's clock. */
  orphans(before: number): UploadRow[] {
    return this.db.all("SELECT * FROM uploads WHERE started < ? ORDER BY started", before).map(parse);
  }
}

function parse(row: Row): UploadRow {
  return entrySchema.parse({ ...row });
}
