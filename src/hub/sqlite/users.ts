import type { UserCatalogue } from "../catalogue.ts";
import { HubError } from "../hub_error.ts";
import type { User } from "../schemas.ts";
import type { Database } from "./database.ts";
import { UserRow } from "./rows.ts";

export class SqliteUsers implements UserCatalogue {
  constructor(private readonly db: Database) {}

  /** Adds a user unless the sub is known; returns the user as stored. */
  ensure(user: User): User {
    this.db.write("durable", () =>
      this.db.run(
        `INSERT INTO users (sub, firstname, lastname, email, role, is_enabled, created, modified)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        user.sub,
        user.firstname,
        user.lastname,
        user.email,
        user.role,
        Number(user.is_enabled),
        user.created,
        user.modified,
      ));
    return this.read(user.sub);
  }

  list(filter: { name?: string; email?: string }): User[] {
    return this.db.all(
      UserRow,
      `SELECT * FROM users WHERE instr(lower(sub || ' ' || firstname || ' ' || lastname), lower(?))
         AND instr(lower(coalesce(email, '')), lower(?)) ORDER BY sub`,
      filter.name ?? "",
      filter.email ?? "",
    );
  }

  read(sub: string): User {
    const user = this.db.get(UserRow, "SELECT * FROM users WHERE sub = ?", sub);
    if (!user) throw new HubError(404, `user "${sub}" does not exist`, "user_not_found");
    return user;
  }
}
