/** Reads what came since the last look: the run's own row, and a bounded number of rows of its results. */
import { quoted, type ReadOnlyDatabase } from "../../../src/kit/sqlite/read_only_database.ts";
import { lastRow, type Run } from "../database.ts";
import type { RunDescription } from "../interdependencies.ts";
import { appendRows, targetsOf, treePages } from "../row_values.ts";
import { type TreeBatch, ValueBatch } from "./live_values.ts";

/** Most rows of one look. */
const ROWS = 10_000;
/** Bytes of arrays and text after which a look ends. */
const BYTES = 8 << 20;

export interface NewRows {
  /** Last row that there is. */
  last: number;
  /** Last row that was read. */
  upTo: number;
  isCompleted: boolean;
  /** One per measured parameter. */
  batches: TreeBatch[];
}

/**
 * Reads rows after `after`; nothing when the run has fewer.
 * @returns null when the run is not there any more
 * @throws SyncError `qcodes_corrupt`
 */
export function readNewRows(
  db: ReadOnlyDatabase,
  run: Run,
  description: RunDescription,
  names: readonly string[],
  after: number,
): NewRows | null {
  const guid = run.guid === null ? "" : ", guid";
  const row = db.get(
    `SELECT is_completed, result_table_name AS "table"${guid} FROM runs WHERE run_id = ?`,
    run.runId,
  );
  if (!row || row.table !== run.resultTable || (row.guid ?? null) !== run.guid) return null;
  const last = lastRow(db, run.resultTable);
  const upTo = Math.min(last, after + ROWS, lastOfBytes(db, run, description, after));
  return {
    last,
    upTo,
    isCompleted: Number(row.is_completed) === 1,
    batches: upTo > after ? names.map((name) => readTree(db, run, description, name, { after, upTo })) : [],
  };
}

function readTree(
  db: ReadOnlyDatabase,
  run: Run,
  description: RunDescription,
  name: string,
  range: { after: number; upTo: number },
): TreeBatch {
  const targets = targetsOf(description, name, () => new ValueBatch());
  const shapes: number[][] = [];
  let rows = 0;
  for (const page of treePages(db, run, targets, range)) {
    shapes.push(...appendRows(page, targets, run));
    rows += page.length;
  }
  const hasArrays = targets.some((t) => t.type === "array");
  const points = hasArrays ? shapes.reduce((n, shape) => n + shape.reduce((a, b) => a * b, 1), 0) : rows;
  return { targets, shapes, points };
}

/** The row with which the bytes of a look are reached. Lengths are known without reading the values. */
function lastOfBytes(db: ReadOnlyDatabase, run: Run, description: RunDescription, after: number): number {
  const wide = [...description.params.values()].filter(({ paramtype }) =>
    paramtype === "array" || paramtype === "text"
  );
  if (wide.length === 0) return Infinity;
  const bytes = wide.map((p) => `ifnull(octet_length(${quoted(p.name)}), 0)`).join(" + ");
  const found = db.get(
    `SELECT r FROM (SELECT r, sum(bytes) OVER (ORDER BY r) AS total FROM (SELECT rowid AS r, ${bytes} AS bytes ` +
      `FROM ${quoted(run.resultTable)} WHERE rowid > ? ORDER BY rowid LIMIT ?)) ` +
      "WHERE total >= ? ORDER BY r LIMIT 1",
    after,
    ROWS,
    BYTES,
  );
  return found ? Number(found.r) : Infinity;
}
