/** Everything that a database holds, cell by cell, so that a test can say which cells may change. */
import { DatabaseSync } from "node:sqlite";

export type Cells = Map<string, unknown>;

/** Every cell of every table, index tables of the full-text search excepted, by `table/row/column`. */
export function databaseCells(path: string): Cells {
  using db = new DatabaseSync(path, { timeout: 10_000 });
  const cells: Cells = new Map();
  const tables = db.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").all();
  for (const { name, sql } of tables) {
    cells.set(`schema/${name}`, sql);
    if (!String(sql).startsWith("CREATE TABLE") || String(name).startsWith("datasets_fts")) continue;
    for (const row of db.prepare(`SELECT rowid AS _row, * FROM "${name}"`).all()) {
      for (const [column, value] of Object.entries(row)) cells.set(`${name}/${row._row}/${column}`, value);
    }
  }
  cells.set("journal_mode", JSON.stringify(db.prepare("PRAGMA journal_mode").get()));
  return cells;
}

/** Cells that differ, as `table/row/column: before → after`. */
export function changedCells(before: Cells, after: Cells): string[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.filter((key) => before.get(key) !== after.get(key))
    .map((key) => `${key}: ${before.get(key)} → ${after.get(key)}`);
}

/** The marks of the given rows, as {@link changedCells} tells them. */
export function marks(datasets: number[], files: number[]): string[] {
  const of = (table: string) => (row: number) => `${table}/${row}/synchronized: 0 → 1`;
  return [...datasets.map(of("datasets")), ...files.map(of("files"))].sort();
}
