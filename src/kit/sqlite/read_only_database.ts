/** Queries on an open SQLite database that is only read. */
import { sqliteError } from "./sqlite_error.ts";

/** A cell; integers beyond 2^53 are bigints, all others numbers. */
export type SqlValue = null | number | bigint | string | Uint8Array;
export type Row = Record<string, SqlValue>;
/** The rowid, then the columns asked for. */
export type PageRow = [SqlValue, ...SqlValue[]];

export interface PageOptions {
  /** SQL condition on the rows, over the alias `t`. */
  where?: string;
  /** Most rows of a page. */
  pageRows?: number;
  /** Cells may be large (blobs, text): a page ends when it holds this many bytes. */
  pageBytes?: number;
  /** Only rows after this rowid. */
  after?: number;
  /** Only rows up to this rowid. */
  upTo?: number;
}

/** An SQL identifier; refers to the alias `t` when a column, so that a missing one is an error and not a text. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A statement as node:sqlite has it (Deno's type declarations leave some of it out). */
export interface SqlStatement {
  all(...params: SqlValue[]): unknown[];
  iterate(...params: SqlValue[]): Iterable<unknown>;
  setReturnArrays(on: boolean): void;
  setReadBigInts(on: boolean): void;
}

/** An open database: one of node:sqlite, or of the engine that reads databases in place. */
export interface SqlConnection {
  readonly isOpen: boolean;
  prepare(sql: string): unknown;
  close(): void;
}

interface Statement {
  sql: string;
  plain: SqlStatement;
  /** Reads integers as bigints. */
  exact?: SqlStatement;
}

/** Tells a statement that returns arrays from the same one that returns objects. */
const ARRAYS = " -- arrays";

export class ReadOnlyDatabase implements Disposable {
  readonly #db: SqlConnection;
  readonly #statements = new Map<string, Statement>();

  /** @param path of the database as the user knows it, for messages */
  constructor(db: SqlConnection, readonly path: string) {
    this.#db = db;
  }

  /**
   * All rows of a query.
   * @throws SyncError as {@link sqliteError} sorts them
   */
  all(sql: string, ...params: SqlValue[]): Row[] {
    try {
      return this.#read(this.#statement(sql), params) as Row[];
    } catch (e) {
      throw sqliteError(e, `reading ${this.path}`);
    }
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = { sql, plain: this.#prepare(sql) };
    this.#statements.set(sql, statement);
    return statement;
  }

  #prepare(sql: string): SqlStatement {
    const statement = this.#db.prepare(sql) as SqlStatement;
    if (sql.endsWith(ARRAYS)) statement.setReturnArrays(true);
    return statement;
  }

  #read(statement: Statement, params: SqlValue[]): unknown[] {
    if (!statement.exact) {
      try {
        return statement.plain.all(...params);
      } catch (e) {
        // An integer beyond 2^53; reading bigints is slower, so only such queries pay for it.
        if (!(e instanceof RangeError)) throw e;
      }
    }
    const rows = this.#exact(statement).all(...params) as Row[];
    rows.forEach(shrinkBigInts);
    return rows;
  }

  #exact(statement: Statement): SqlStatement {
    if (!statement.exact) {
      statement.exact = this.#prepare(statement.sql);
      statement.exact.setReadBigInts(true);
    }
    return statement.exact;
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

  /** The rows of a table in pages, in the order of their rowid; the same question not while it is being answered. */
  *pages(
    table: string,
    columns: readonly string[],
    options: PageOptions = {},
  ): Generator<PageRow[], void, undefined> {
    const most = options.pageRows ?? 4000;
    const { after = Number.MIN_SAFE_INTEGER, upTo = Number.MAX_SAFE_INTEGER } = options;
    const list = columns.map((name) => `, t.${quoted(name)}`).join("");
    const sql = `SELECT t.rowid${list} FROM ${quoted(table)} AS t WHERE t.rowid > ? AND t.rowid <= ?` +
      `${options.where ? ` AND (${options.where})` : ""} ORDER BY t.rowid LIMIT ?`;
    if (options.pageBytes !== undefined) {
      return yield* this.#widePages(sql, [after, upTo], most, options.pageBytes);
    }
    for (let last: SqlValue = after;;) {
      const page = this.#arrays(sql, last, upTo, most);
      if (page.length > 0) yield page;
      if (page.length < most) return;
      last = page.at(-1)?.[0] ?? null;
    }
  }

  /** Row by row, since the next one may be of any size. */
  *#widePages(
    sql: string,
    range: [number, number],
    most: number,
    pageBytes: number,
  ): Generator<PageRow[], void, undefined> {
    let page: PageRow[] = [];
    let bytes = 0;
    try {
      const statement = this.#exact(this.#statement(sql + ARRAYS));
      for (const row of statement.iterate(...range, -1) as Iterable<PageRow>) {
        shrinkBigInts(row);
        page.push(row);
        bytes += byteLength(row);
        if (bytes < pageBytes && page.length < most) continue;
        yield page;
        page = [];
        bytes = 0;
      }
    } catch (e) {
      throw sqliteError(e, `reading ${this.path}`);
    }
    if (page.length > 0) yield page;
  }

  /** Rows as arrays, which node:sqlite makes in half the time of objects. */
  #arrays(sql: string, ...params: SqlValue[]): PageRow[] {
    try {
      return this.#read(this.#statement(sql + ARRAYS), params) as unknown as PageRow[];
    } catch (e) {
      throw sqliteError(e, `reading ${this.path}`);
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }
}

/** Turns the integers that a double holds exactly into numbers. */
function shrinkBigInts(row: Row | PageRow): void {
  const cells = row as Record<string, SqlValue>;
  for (const key in cells) {
    const value = cells[key];
    if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) cells[key] = Number(value);
  }
}

function byteLength(row: PageRow): number {
  let bytes = 0;
  for (const value of row) {
    bytes += value instanceof Uint8Array ? value.length : typeof value === "string" ? 2 * value.length : 8;
  }
  return bytes;
}
