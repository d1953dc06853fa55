/** A SQLite database that is written: every failure is a WriterDatabaseError. */
import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { databaseError, WriterDatabaseError } from "./errors.ts";

/** How long a lock of another program is waited for, ms. */
export const BUSY_TIMEOUT = 5000;
/** Larger files are not searched for damage when they are opened, bytes. */
const CHECKED_BYTES = 64 * 1024 * 1024;

/** Tables, their version, and what tells a database of another kind. */
export interface Schema {
  /** For messages: "a beamtime database". */
  kind: string;
  tables: readonly string[];
  version: number;
  sql: string;
  /** A column that version 1 lacks. */
  added?: { table: string; column: string; type: string };
}

/** A member that Deno's type declarations leave out. */
type Connection = DatabaseSync & { readonly isTransaction: boolean };

export class WriterDatabase implements Disposable {
  readonly #db: Connection;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Opens or creates a database with these tables.
   * @throws WriterDatabaseError `database_damaged`, `database_busy`, `database_unwritable`, `other_database`,
   *   `newer_database`
   */
  constructor(readonly path: string, schema: Schema, busyTimeout = BUSY_TIMEOUT) {
    try {
      this.#db = new DatabaseSync(path, { timeout: busyTimeout }) as Connection;
    } catch (e) {
      throw databaseError(path, e);
    }
    try {
      this.#prepareFile(schema);
    } catch (e) {
      this.#db.close();
      throw databaseError(path, e);
    }
  }

  #prepareFile(schema: Schema): void {
    this.#db.exec("PRAGMA foreign_keys = ON");
    if (this.#isReady(schema)) return this.#demandSound();
    this.transaction(() => {
      // Another program may have made the tables meanwhile.
      if (this.#isReady(schema)) return;
      if (this.#tables().size === 0) this.#db.exec(schema.sql);
      else this.#upgrade(schema);
      this.#db.exec(`PRAGMA user_version = ${schema.version}`);
    });
  }

  #upgrade({ added }: Schema): void {
    if (!added) return;
    const { table, column, type } = added;
    const has = this.#db.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?").get(table, column);
    if (!has) this.#db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }

  /** False when tables are to be made or upgraded. @throws WriterDatabaseError for a database of another kind */
  #isReady({ tables, version, kind }: Schema): boolean {
    const present = this.#tables();
    if (present.size === 0) return false;
    if (!tables.every((name) => present.has(name))) {
      throw new WriterDatabaseError("other_database", `${this.path} is not ${kind}: it holds other tables`, {
        hint: "Give the path of a new file, or of a file of this kind.",
      });
    }
    const found = Number(this.get("PRAGMA user_version")?.user_version);
    if (found > version) {
      throw new WriterDatabaseError(
        "newer_database",
        `${this.path} has version ${found}, newer than ${version}`,
        {
          hint: "Use the program that wrote it, or a newer version of this library.",
        },
      );
    }
    return found === version;
  }

  #tables(): Set<string> {
    return new Set(
      this.#db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .all()
        .map((row) => String(row.name)),
    );
  }

  #demandSound(): void {
    if (statSync(this.path).size > CHECKED_BYTES) return;
    const found = this.#db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
    if (found === "ok") return;
    throw new WriterDatabaseError("database_damaged", `${this.path}: ${found}`, {
      hint: "Give another path, or put a backup of the file in its place.",
    });
  }

  /** Runs one statement. */
  run(sql: string, ...values: SQLInputValue[]): { lastInsertRowid: number | bigint } {
    try {
      return this.#statement(sql).run(...values);
    } catch (e) {
      throw databaseError(this.path, e);
    }
  }

  /** The first row of a query. */
  get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    try {
      return this.#statement(sql).get(...values);
    } catch (e) {
      throw databaseError(this.path, e);
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  /** Begins a transaction unless one is open. */
  begin(): void {
    if (!this.#db.isTransaction) this.run("BEGIN IMMEDIATE");
  }

  /** Ends the open transaction, if any. When it fails the transaction stays open and can be committed later. */
  commit(): void {
    if (this.#db.isTransaction) this.run("COMMIT");
  }

  /** Runs `change` as a whole or not at all. */
  transaction<T>(change: () => T): T {
    this.begin();
    try {
      const result = change();
      this.commit();
      return result;
    } catch (e) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw databaseError(this.path, e);
    }
  }

  /** Closes; an open transaction is rolled back. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#db.close();
  }
}
