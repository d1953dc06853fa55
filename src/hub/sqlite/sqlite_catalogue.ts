/** The catalogue on one SQLite file. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Env } from "../../env.ts";
import type { Catalogue } from "../catalogue.ts";
import type { BugReport, User } from "../schemas.ts";
import { timeFromMs } from "../time.ts";
import { Database } from "./database.ts";
import { SqliteDatasets } from "./datasets.ts";
import { SqliteFiles } from "./files.ts";
import { SqliteScopes } from "./scopes.ts";
import { SqliteUploads } from "./uploads.ts";
import { SqliteUsers } from "./users.ts";

export class SqliteCatalogue implements Catalogue {
  readonly users: SqliteUsers;
  readonly scopes: SqliteScopes;
  readonly datasets: SqliteDatasets;
  readonly files: SqliteFiles;
  readonly uploads: SqliteUploads;
  readonly #db: Database;
  readonly #now: () => string;

  /** Opens or creates the catalogue. @throws SyncError as {@link Database} */
  constructor(path: string, env: Env) {
    const now = () => timeFromMs(env.now());
    this.#now = now;
    this.#db = new Database(path);
    this.users = new SqliteUsers(this.#db);
    this.scopes = new SqliteScopes(this.#db, now);
    this.datasets = new SqliteDatasets(this.#db, this.scopes, now);
    this.files = new SqliteFiles(this.#db, now);
    this.uploads = new SqliteUploads(this.#db, this.files, () => env.now());
    this.#fillNew(env);
    this.#db.commit();
  }

  /** What a hub has from the start: its keys and a scope to put data in. */
  #fillNew(env: Env): void {
    this.#db.write("durable", () => {
      if (this.#db.get(z.object({ name: z.string() }), "SELECT name FROM settings LIMIT 1")) return;
      const set = (name: string, value: string) =>
        this.#db.run("INSERT INTO settings VALUES (?, ?)", name, value);
      set("signing_key", randomBytes(32).toString("base64url"));
      set("bucket_uuid", env.uuid());
      set("resource_uuid", env.uuid());
      const now = this.#now();
      this.#db.run(
        `INSERT INTO scopes (uid, name, description, is_restricted, is_archived, created, modified)
         VALUES (?, 'default', 'Measurements that were not given another scope.', 0, 0, ?, ?)`,
        env.uuid(),
        now,
        now,
      );
    });
  }

  /** The user that requests without a login act as. */
  ensureLocalUser(sub: string): User {
    const now = this.#now();
    return this.users.ensure({
      sub,
      firstname: sub,
      lastname: "",
      email: null,
      role: "admin",
      is_enabled: true,
      created: now,
      modified: now,
    });
  }

  storeBugReport(report: BugReport, reporter: string): void {
    this.#db.write("durable", () =>
      this.#db.run(
        "INSERT INTO bug_reports (created, reporter, report) VALUES (?, ?, ?)",
        this.#now(),
        reporter,
        JSON.stringify(report),
      ));
  }

  setting(name: "signing_key" | "bucket_uuid" | "resource_uuid"): string {
    const row = this.#db.get(
      z.object({ value: z.string() }),
      "SELECT value FROM settings WHERE name = ?",
      name,
    );
    if (!row) throw new Error(`setting ${name} is missing in ${this.#db.path}`);
    return row.value;
  }

  mark(): number {
    return this.#db.mark();
  }

  durable(mark?: number): Promise<void> {
    return this.#db.durable(mark);
  }

  close(): void {
    this.#db.close();
  }
}
