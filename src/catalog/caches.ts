/** What was computed once and need not be again: hashes of unchanged files, outputs of unchanged conversions. */
import { extname } from "node:path";
import { z } from "zod";
import type { CatalogDatabase } from "./database.ts";

/** Everything that decides whether two files are equal (F3, F10–F13). */
export const identitySchema = z.object({
  size: z.number(),
  md5: z.string(),
  sha256: z.string(),
  content_md5: z.string().nullable(),
  deep_sha256: z.string().nullable(),
  type: z.enum(["HDF5", "HDF5_NETCDF", "HDF5_CACHE", "NDARRAY", "JSON", "TEXT", "UNKNOWN"]),
  logs: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type Identity = z.infer<typeof identitySchema>;

const hashesAt = (path: string) => `hashes at ${path}`;
const hashesOf = (fingerprint: string) => `hashes of ${fingerprint}`;

export class HashCache {
  constructor(private readonly db: CatalogDatabase) {}

  /** Identity of a file whose (size, mtime, file id) is unchanged since it was computed (F6). */
  get(path: string, fingerprint: string): Identity | undefined {
    this.db.settle(hashesAt(path));
    const row = this.db.get(
      "SELECT identity FROM hashes WHERE path = ? AND fingerprint = ?",
      path,
      fingerprint,
    );
    return row && identitySchema.parse(JSON.parse(String(row.identity)));
  }

  /**
   * As {@link get}, also for a file that was renamed since: it has the same size, mtime and file id. Its suffix must be as
   * before, for that decides on its type.
   */
  ofFile(path: string, fingerprint: string): Identity | undefined {
    const known = this.get(path, fingerprint);
    if (known) return known;
    const suffix = (name: string) => extname(name).toLowerCase();
    const before = this.pathsOf(fingerprint).find((other) => suffix(other) === suffix(path));
    if (before === undefined) return undefined;
    this.db.note(
      "INSERT OR REPLACE INTO hashes SELECT ?, fingerprint, identity, used FROM hashes WHERE path = ?",
      path,
      before,
    );
    return this.get(path, fingerprint);
  }

  /** Paths under which a file with this size, mtime and file id was hashed. */
  pathsOf(fingerprint: string): string[] {
    this.db.settle(hashesOf(fingerprint));
    return this.db.all("SELECT path FROM hashes WHERE fingerprint = ? LIMIT 10", fingerprint)
      .map((r) => String(r.path));
  }

  put(path: string, fingerprint: string, identity: Identity, now: number): void {
    this.db.later(
      [hashesAt(path), hashesOf(fingerprint)],
      "INSERT OR REPLACE INTO hashes VALUES (?,?,?,?)",
      path,
      fingerprint,
      JSON.stringify(identity),
      now,
    );
  }
}

/** Output of a conversion: its identity, or why it failed for good on this input (K7). */
const outputSchema = z.union([
  z.object({ ok: z.literal(true), identity: identitySchema, filename: z.string() }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string(), hint: z.string() }),
]);
export type ConversionOutput = z.infer<typeof outputSchema>;

export class ConversionCache {
  constructor(private readonly db: CatalogDatabase) {}

  get(key: string): ConversionOutput | undefined {
    const row = this.db.get("SELECT output FROM conversions WHERE key = ?", key);
    return row && outputSchema.parse(JSON.parse(String(row.output)));
  }

  put(key: string, output: ConversionOutput, now: number): void {
    this.db.note("INSERT OR REPLACE INTO conversions VALUES (?,?,?)", key, JSON.stringify(output), now);
  }
}
