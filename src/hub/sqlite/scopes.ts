import type { ScopeCatalogue } from "../catalogue.ts";
import { HubError } from "../hub_error.ts";
import type { Scope, ScopeCreate, ScopeUpdate } from "../schemas.ts";
import type { Database } from "./database.ts";
import { Id, SCOPE_COLUMNS, ScopeRow } from "./rows.ts";

const flag = (value: boolean | null | undefined) =>
  value === null || value === undefined ? null : Number(value);

export class SqliteScopes implements ScopeCatalogue {
  /** @param now the platform's form of the current time */
  constructor(private readonly db: Database, private readonly now: () => string) {}

  list(name = ""): Scope[] {
    return this.db.all(
      ScopeRow,
      `SELECT ${SCOPE_COLUMNS} FROM scopes WHERE instr(lower(name), lower(?)) ORDER BY name, uid`,
      name,
    ).map((row) => row.scope);
  }

  read(uid: string): Scope {
    const row = this.db.get(ScopeRow, `SELECT ${SCOPE_COLUMNS} FROM scopes WHERE uid = ?`, uid);
    if (!row) throw new HubError(404, `scope ${uid} does not exist`, "scope_not_found");
    return row.scope;
  }

  requireAccess(uids: string[]): void {
    for (const uid of uids) this.idOf(uid);
  }

  /** Row id of a scope that the caller may use. @throws HubError 403 */
  idOf(uid: string): number {
    const row = this.db.get(Id, "SELECT id FROM scopes WHERE uid = ?", uid);
    if (!row) throw new HubError(403, `no access to scope ${uid}`, "scope_access_denied");
    return row.id;
  }

  create(scope: ScopeCreate): void {
    this.db.write("durable", () => {
      const now = this.now();
      const { changes } = this.db.run(
        `INSERT INTO scopes (uid, name, description, is_restricted, is_archived, bucket_uuid, created, modified)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        scope.uid,
        scope.name,
        scope.description,
        Number(scope.is_restricted),
        Number(scope.is_archived),
        scope.bucket_uuid,
        now,
        now,
      );
      if (changes === 0) throw new HubError(409, `scope ${scope.uid} exists`, "scope_uid_in_use");
    });
  }

  update(uid: string, changes: ScopeUpdate): void {
    this.db.write("durable", () => {
      this.read(uid);
      this.db.run(
        `UPDATE scopes SET name = coalesce(?, name), description = coalesce(?, description),
           is_restricted = coalesce(?, is_restricted), is_archived = coalesce(?, is_archived), modified = ?
         WHERE uid = ?`,
        changes.name ?? null,
        changes.description ?? null,
        flag(changes.is_restricted),
        flag(changes.is_archived),
        this.now(),
        uid,
      );
    });
  }

  remove(uid: string): void {
    this.db.write("durable", () => {
      this.read(uid);
      if (
        this.db.get(Id, "SELECT id FROM datasets WHERE scope_id = (SELECT id FROM scopes WHERE uid = ?)", uid)
      ) {
        throw new HubError(400, `scope ${uid} holds datasets`);
      }
      this.db.run("DELETE FROM scopes WHERE uid = ?", uid);
    });
  }
}
