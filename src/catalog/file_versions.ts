/** File versions this agent knows: what was announced or secured on the platform, with all hashes. */
import { z } from "zod";
import type { CatalogDatabase } from "./database.ts";

const schema = z.object({
  file_uuid: z.string(),
  version_id: z.number(),
  dataset_uuid: z.string(),
  name: z.string(),
  filename: z.string(),
  type: z.string(),
  size: z.number(),
  md5: z.string(),
  sha256: z.string(),
  content_md5: z.string().nullable(),
  deep_sha256: z.string().nullable(),
  path: z.string(),
  secured: z.number().transform(Boolean),
  updated: z.number(),
});

export type FileVersionRow = z.infer<typeof schema>;

const versionsOf = (dataset: string, name: string) => `versions of ${dataset} ${name}`;

export class FileVersionStore {
  constructor(private readonly db: CatalogDatabase) {}

  /** All versions of one logical name, oldest first. */
  ofName(dataset: string, name: string): FileVersionRow[] {
    this.db.settle(versionsOf(dataset, name));
    return this.db.all(
      "SELECT * FROM file_versions WHERE dataset_uuid = ? AND name = ? ORDER BY version_id",
      dataset,
      name,
    ).map((r) => schema.parse({ ...r }));
  }

  /** The newest version that was made from this file. */
  ofPath(path: string): FileVersionRow | undefined {
    this.db.settle();
    const row = this.db.get(
      "SELECT * FROM file_versions WHERE path = ? ORDER BY version_id DESC LIMIT 1",
      path,
    );
    return row && schema.parse({ ...row });
  }

  ofDataset(dataset: string): FileVersionRow[] {
    this.db.settle();
    return this.db.all(
      "SELECT * FROM file_versions WHERE dataset_uuid = ? ORDER BY name, version_id",
      dataset,
    )
      .map((r) => schema.parse({ ...r }));
  }

  /** Secured versions, in pages, ordered; pass the last row to get the next page. */
  securedPage(
    after: Pick<FileVersionRow, "file_uuid" | "version_id"> | undefined,
    limit: number,
  ): FileVersionRow[] {
    this.db.settle();
    return this.db.all(
      `SELECT * FROM file_versions WHERE secured = 1 AND (file_uuid, version_id) > (?, ?)
       ORDER BY file_uuid, version_id LIMIT ?`,
      after?.file_uuid ?? "",
      after?.version_id ?? -1,
      limit,
    ).map((r) => schema.parse({ ...r }));
  }

  /** Written with the next change: what is about to be sent has to be noted before the platform hears of it. */
  put(v: FileVersionRow): void {
    this.db.later(
      [versionsOf(v.dataset_uuid, v.name)],
      "INSERT OR REPLACE INTO file_versions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      v.file_uuid,
      v.version_id,
      v.dataset_uuid,
      v.name,
      v.filename,
      v.type,
      v.size,
      v.md5,
      v.sha256,
      v.content_md5,
      v.deep_sha256,
      v.path,
      Number(v.secured),
      v.updated,
    );
  }
}
