/** Queries on an open SQLite database that is only read. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { sqliteError } from "./sqlite_error.ts";

/** A cell; integers beyond 2^53 are bigints, all others numbers. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type Row = Record<string, SqlValue>;

export interface PageOptions {
  /** SQL condition on the rows, over the alias `t`. */
  where?: string;
  /** Most rows of a page. */
  pageRows?: number;
  /** Cells may be large (blobs, text): the page shrinks until it holds about this many bytes. */
  pageBytes?: number;
}

/** An SQL identifier; refers to the alias `t` when a column, so that a missing one is an error and not a text. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export class ReadOnlyDatabase implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, { plain: StatementSync; exact?: StatementSync }>();

  /** @param path of the database as the user knows it, for messages */
  constructor(db: DatabaseSync, readonly path: string) {
    this.#db = db;
  }

  /**
   * All rows of a query.
   * @throws SyncError as {@link sqliteError} sorts them
   */
  all(sql: string, ...params: SqlValue[]): Row[] {
    try {
      let statement = this.#statements.get(sql);
      if (!statement) {
        statement = { plain: this.#db.prepare(sql) };
        this.#statements.set(sql, statement);
      }
      if (statement.exact) return this.#exactly(statement.exact, params);
      try {
        return statement.plain.all(...params) as Row[];
      } catch (e) {
        // An integer beyond 2^53; reading bigints is slower, so only such queries pay for it.
        if (!(e instanceof RangeError)) throw e;
        statement.exact = this.#db.prepare(sql);
        statement.exact.setReadBigInts(true);
        return this.#exactly(statement.exact, params);
      }
    } catch (e) {
      throw sqliteError(e, `reading ${this.path}`);
    }
  }

  #exactly(statement: StatementSync, params: SqlValue[]): Row[] {
    const rows = statement.all(...params) as Row[];
    for (const row of rows) {
      for (const [name, value] of Object.entries(row)) {
        if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) row[name] = Number(value);
      }
    }
    return rows;
  }

  /** The first row of a query. */
  get(sql: string, ...params: SqlValue[]): Row | undefined {
    return this.all(sql, ...params)[0];
  }

  /** Names of the tables. */
  tables(): Set<string> {
    return new Set(
      this.all("SELECT name FROM sqlite_master WHERE type = 'table'").map((r) => String(r.name)),
    );
  }

  /** Columns of a table in order with their declared types; empty when there is no such table. */
  columns(table: string): { name: string; type: string }[] {
    return this.all("SELECT name, type FROM pragma_table_info(?) ORDER BY cid", table)
      .map((r) => ({ name: String(r.name), type: String(r.type) }));
  }

  /**
   * The rows of a table in pages, in the order of their rowid. A row has the members `id` (its rowid) and `c0`,
   * `c1` … for the columns asked for.
   */
  *pages(
    table: string,
    columns: readonly string[],
    options: PageOptions = {},
  ): Generator<Row[], void, undefined> {
    const most = options.pageRows ?? 10_000;
    const list = columns.map((name, i) => `, t.${quoted(name)} AS c${i}`).join("");
    const sql = `SELECT t.rowid AS id${list} FROM ${quoted(table)} AS t WHERE t.rowid > ?` +
      `${options.where ? ` AND (${options.where})` : ""} ORDER BY t.rowid LIMIT ?`;
    let rows = options.pageBytes === undefined ? most : Math.min(most, 64);
    for (let last: SqlValue = Number.MIN_SAFE_INTEGER;;) {
      const page = this.all(sql, last, rows);
      if (page.length > 0) yield page;
      if (page.length < rows) return;
      last = page.at(-1)?.id ?? null;
      if (options.pageBytes !== undefined) {
        const perRow = byteLength(page) / page.length;
        rows = Math.max(1, Math.min(most, rows * 8, Math.floor(options.pageBytes / perRow)));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }
}

function byteLength(rows: Row[]): number {
  let bytes = 0;
  for (const row of rows) {
    for (const key in row) {
      const value = row[key];
      bytes += value instanceof Uint8Array ? value.length : typeof value === "string" ? 2 * value.length : 8;
    }
  }
  return Math.max(bytes, 1);
}
