/** Pass 1: reads the rows of one measured parameter and its setpoints into columns. */
import { type Column, ColumnWriter } from "../../src/kit/grid/column.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import type { ReadOnlyDatabase } from "../../src/kit/sqlite/read_only_database.ts";
import type { Run } from "./database.ts";
import type { RunDescription } from "./interdependencies.ts";
import { appendRows, targetsOf, treePages } from "./row_values.ts";

export interface NamedColumn {
  name: string;
  column: Column;
}

/** A measured parameter, its setpoints (outer first) and what is inferred; all columns have the same length. */
export interface Tree {
  name: string;
  measured: Column;
  setpoints: NamedColumn[];
  inferred: NamedColumn[];
}

/**
 * Reads a tree. Numbers of setpoints are rounded to 15 digits, measured ones keep all.
 * @throws SyncError `qcodes_corrupt` that names run, table, row and column
 */
export function collectTree(
  db: ReadOnlyDatabase,
  run: Run,
  description: RunDescription,
  name: string,
  scratch: Scratch,
): Tree {
  const targets = targetsOf(description, name, () => new ColumnWriter(scratch));
  for (const page of treePages(db, run, targets)) appendRows(page, targets, run);
  const named = (role: string) =>
    targets.filter((t) => t.role === role).map(({ name, column }) => ({ name, column }));
  return {
    name,
    measured: targets[0].column,
    setpoints: named("setpoint"),
    inferred: named("inferred"),
  };
}
