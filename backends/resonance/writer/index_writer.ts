/** Writes a master index: which researchers have which beamtimes, and which runs those hold. */
import { resolve } from "node:path";
import { WriterStateError } from "./errors.ts";
import { jsonText } from "./json_text.ts";
import { INDEX_SCHEMA, INDEX_TABLES, INDEX_VERSION } from "./schema.ts";
import { type Schema, WriterDatabase } from "./writer_database.ts";

const SCHEMA: Schema = {
  kind: "a master index",
  tables: INDEX_TABLES,
  version: INDEX_VERSION,
  sql: INDEX_SCHEMA,
};

/** Every call opens the index, changes it as a whole or not at all, and closes it: many programs may share it. */
export class IndexWriter {
  readonly #path: string;
  readonly #busyTimeout: number | undefined;

  /** Has no side effect. */
  constructor(indexDbPath: string, options: { busyTimeout?: number } = {}) {
    this.#path = resolve(indexDbPath);
    this.#busyTimeout = options.busyTimeout;
  }

  /** Absolute path of the index. */
  get indexDbPath(): string {
    return this.#path;
  }

  /**
   * Creates file and tables where there are none.
   * @throws WriterDatabaseError `other_database`, `database_damaged`, `database_unwritable`
   */
  ensureSchema(): void {
    using _db = this.#open();
  }

  /**
   * Enters a researcher, or updates what is given of a known one.
   * @returns the id
   */
  registerResearcher(
    name: string,
    rootPath: string,
    details: { email?: string | null; orcid?: string | null; affiliation?: string | null } = {},
  ): number {
    using db = this.#open();
    const { email = null, orcid = null, affiliation = null } = details;
    return db.transaction(() => {
      db.run(
        "INSERT INTO researchers (name, root_path, email, orcid, affiliation) VALUES (?, ?, ?, ?, ?) " +
          "ON CONFLICT (name) DO UPDATE SET root_path = excluded.root_path, " +
          "email = coalesce(excluded.email, email), orcid = coalesce(excluded.orcid, orcid), " +
          "affiliation = coalesce(excluded.affiliation, affiliation)",
        ...[name, rootPath, email, orcid, affiliation],
      );
      return Number(db.get("SELECT id FROM researchers WHERE name = ?", name)?.id);
    });
  }

  /**
   * Enters a beamtime, once for each path of a database.
   * @param details.timeStart unix seconds
   * @returns the id
   * @throws WriterStateError `researcher_not_found`
   */
  registerBeamtime(
    researcherId: number,
    label: string,
    dbPath: string,
    details: { timeStart?: number | null } = {},
  ): number {
    using db = this.#open();
    return db.transaction(() => {
      demandRow(db, "researchers", researcherId, "researcher_not_found");
      const known = db.get("SELECT id FROM beamtimes WHERE db_path = ?", dbPath)?.id;
      if (known !== undefined) return Number(known);
      return Number(
        db.run(
          "INSERT INTO beamtimes (researcher_id, label, db_path, time_start) VALUES (?, ?, ?, ?)",
          ...[researcherId, label, dbPath, details.timeStart ?? null],
        ).lastInsertRowid,
      );
    });
  }

  /**
   * Enters a run, or replaces what was entered of it.
   * @param details.timeStart unix seconds; now when not given
   * @throws WriterStateError `researcher_not_found`, `beamtime_not_found`
   */
  indexRun(
    uid: string,
    researcherId: number,
    beamtimeId: number,
    planName: string,
    details: { sampleName?: string | null; timeStart?: number | null; tags?: readonly string[] | null } = {},
  ): void {
    using db = this.#open();
    db.transaction(() => {
      demandRow(db, "researchers", researcherId, "researcher_not_found");
      demandRow(db, "beamtimes", beamtimeId, "beamtime_not_found");
      db.run(
        "INSERT OR REPLACE INTO runs_index (uid, researcher_id, beamtime_id, plan_name, sample_name, time_start, tags) " +
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
        ...[
          uid,
          researcherId,
          beamtimeId,
          planName,
          details.sampleName ?? null,
          details.timeStart ?? Date.now() / 1000,
        ],
        jsonText(details.tags ?? []),
      );
    });
  }

  #open(): WriterDatabase {
    return new WriterDatabase(this.#path, SCHEMA, this.#busyTimeout);
  }
}

function demandRow(
  db: WriterDatabase,
  table: "researchers" | "beamtimes",
  id: number,
  code: string,
): void {
  if (db.get(`SELECT 1 FROM ${table} WHERE id = ?`, id)) return;
  const what = table === "researchers" ? "researcher" : "beamtime";
  throw new WriterStateError(code, `the index has no ${what} ${id}`, {
    hint: `Enter the ${what} first; that returns its id.`,
  });
}
