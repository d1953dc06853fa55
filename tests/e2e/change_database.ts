/** Changes a copy of a QCoDeS database, as QCoDeS or a plotting tool would. */
import { DatabaseSync } from "node:sqlite";

export interface OpenDatabase extends Disposable {
  run(sql: string, ...values: (string | number)[]): void;
  /** The one value of a query. */
  text(sql: string): string;
  columns(table: string): string[];
}

export function openDatabase(path: string): OpenDatabase {
  const db = new DatabaseSync(path);
  return {
    run: (sql, ...values) => void db.prepare(sql).run(...values),
    text: (sql) => String(Object.values(db.prepare(sql).get() ?? {})[0]),
    columns: (table) => db.prepare(`PRAGMA table_info("${table}")`).all().map((c) => String(c.name)),
    [Symbol.dispose]: () => db.close(),
  };
}
