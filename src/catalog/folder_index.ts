/** The folders above the items of a polled source, so that only those that changed are listed again (D9). */
import type { CatalogDatabase } from "./database.ts";

export class FolderIndex {
  constructor(private readonly db: CatalogDatabase) {}

  /** The mtime a folder had when it was listed last; undefined when it never was. */
  mtime(source: number, path: string): string | undefined {
    const row = this.db.get(
      "SELECT mtime_ns FROM folders WHERE source_id = ? AND parent = ? AND path = ?",
      source,
      parentOf(path),
      path,
    );
    return row && String(row.mtime_ns);
  }

  /** Known folders in a folder, without itself. */
  below(source: number, path: string): string[] {
    return this.db.all("SELECT path FROM folders WHERE source_id = ? AND parent = ?", source, path)
      .map((r) => String(r.path));
  }

  /** Remembers a listing: the folder's mtime at it ("" when that is not to be trusted), and the folders in it. */
  listed(source: number, path: string, mtimeNs: string, folders: readonly string[]): void {
    this.db.transaction(() => {
      this.db.run(
        "INSERT OR REPLACE INTO folders VALUES (?,?,?,?)",
        source,
        parentOf(path),
        path,
        mtimeNs,
      );
      const there = new Set(folders);
      for (const known of this.below(source, path)) if (!there.delete(known)) this.forget(source, known);
      for (const added of there) {
        this.db.run("INSERT OR REPLACE INTO folders VALUES (?,?,?,'')", source, path, added);
      }
    });
  }

  /** The folder is listed at the next look, changed or not. */
  distrust(source: number, path: string): void {
    this.db.run(
      "UPDATE folders SET mtime_ns = '' WHERE source_id = ? AND parent = ? AND path = ?",
      source,
      parentOf(path),
      path,
    );
  }

  /** Forgets a folder and all below it. */
  forget(source: number, path: string): void {
    this.db.run(
      "DELETE FROM folders WHERE source_id = ?1 AND (path = ?2 OR (path > ?2 || '/' AND path < ?2 || '0'))",
      source,
      path,
    );
  }
}

/** Parent of a relative path; the root "" is its own entry below "/". */
function parentOf(path: string): string {
  return path === "" ? "/" : path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
