/** The tables of a QCoDeS database (schema versions 0 to 9), read without upgrade. */
import { SyncError } from "../../src/kit/errors.ts";
import { quoted, type ReadOnlyDatabase, type SqlValue } from "../../src/kit/sqlite/read_only_database.ts";
import {
  fromOldSpecs,
  type OldParamSpec,
  parseRunDescription,
  type RunDescription,
} from "./interdependencies.ts";

/** Columns of `runs` that QCoDeS itself defines; all others hold metadata. */
export const FIXED_COLUMNS: readonly string[] = [
  "run_id",
  "exp_id",
  "name",
  "result_table_name",
  "result_counter",
  "run_timestamp",
  "completed_timestamp",
  "is_completed",
  "parameters",
  "guid",
  "run_description",
  "snapshot",
  "captured_run_id",
  "captured_counter",
  "parent_datasets",
];

/** Below this `user_version` the run description is missing or wrong. */
const FIRST_GOOD_DESCRIPTION = 4;

export interface Run {
  runId: number;
  name: string;
  expName: string;
  sampleName: string;
  /** null in databases of version 0. */
  guid: string | null;
  /** Unix seconds. */
  runTimestamp: number | null;
  completedTimestamp: number | null;
  isCompleted: boolean;
  resultTable: string;
  /** False for runs that were kept in memory. */
  hasTable: boolean;
  capturedRunId: number;
  capturedCounter: number;
  /** `run_description` as stored; "" when missing or, in old databases, not to be trusted. */
  description: string;
  /** JSON text as stored. */
  snapshot: string | null;
  parentDatasets: string;
  /** Only the tags that this run has. */
  metadata: Map<string, SqlValue>;
}

export function corrupt(where: string, reason: string, cause?: unknown): SyncError {
  return new SyncError("data", "qcodes_corrupt", `${where}: ${reason}`, {
    hint: "The database is damaged at this place; open the run with QCoDeS to see what is left of it.",
    cause,
  });
}

/** @throws SyncError `not_a_qcodes_database` */
export function demandQcodes(db: ReadOnlyDatabase): void {
  if (db.columns("runs").some((c) => c.name === "run_id")) return;
  throw new SyncError(
    "data",
    "not_a_qcodes_database",
    `${db.path} is not a QCoDeS database (no table runs)`,
    {
      hint: "Give the path of the database that QCoDeS writes.",
    },
  );
}

/** The metadata columns of `runs`, in their order. */
export function metadataColumns(db: ReadOnlyDatabase): string[] {
  return db.columns("runs").map((c) => c.name).filter((n) => !FIXED_COLUMNS.includes(n));
}

const textOf = (value: SqlValue | undefined) => value === null || value === undefined ? "" : String(value);

/** A time in seconds, which old writers stored as integer or text too. */
export function secondsOf(value: SqlValue | undefined): number | null {
  if (value === null || value === undefined || value === "" || value instanceof Uint8Array) return null;
  const seconds = Number(value);
  return Number.isFinite(seconds) ? seconds : null;
}

/**
 * Reads one row of `runs` with its experiment.
 * @throws SyncError `qcodes_run_missing` when there is no such run
 */
export function readRun(db: ReadOnlyDatabase, runId: number): Run {
  const present = db.columns("runs").map((c) => c.name);
  const columns = present.map((name) => `r.${quoted(name)}`).join(", ");
  const row = db.get(
    `SELECT ${columns}, e.name AS "experiment name", e.sample_name AS "sample name", v.user_version AS "version number" ` +
      "FROM runs AS r LEFT JOIN experiments AS e ON e.exp_id = r.exp_id, pragma_user_version AS v WHERE r.run_id = ?",
    runId,
  );
  if (!row) {
    throw new SyncError("data", "qcodes_run_missing", `${db.path} has no run ${runId}`, {
      hint: "The run was deleted from the database, or the file was replaced.",
    });
  }
  const resultTable = textOf(row.result_table_name);
  const metadata = new Map(
    present.filter((n) => !FIXED_COLUMNS.includes(n)).flatMap((n) => {
      const value = row[n] ?? null;
      return value === null ? [] : [[n, value] as const];
    }),
  );
  return {
    runId,
    name: textOf(row.name),
    expName: textOf(row["experiment name"]),
    sampleName: textOf(row["sample name"]),
    guid: textOf(row.guid) || null,
    runTimestamp: secondsOf(row.run_timestamp),
    completedTimestamp: secondsOf(row.completed_timestamp),
    isCompleted: Number(row.is_completed) === 1,
    resultTable,
    hasTable: resultTable !== "" && db.columns(resultTable).length > 0,
    // Before version 7 a run could not come from another database.
    capturedRunId: Number(row.captured_run_id ?? runId),
    capturedCounter: Number(row.captured_counter ?? row.result_counter ?? 0),
    description: Number(row["version number"]) < FIRST_GOOD_DESCRIPTION ? "" : textOf(row.run_description),
    snapshot: typeof row.snapshot === "string" ? row.snapshot : null,
    parentDatasets: textOf(row.parent_datasets) || "[]",
    metadata,
  };
}

/** Number of the last row of a result table that exists; 0 when empty. */
export function lastRow(db: ReadOnlyDatabase, table: string): number {
  return Number(db.get(`SELECT max(rowid) AS last FROM ${quoted(table)}`)?.last ?? 0);
}

/**
 * Which parameters a run has.
 * @throws SyncError `qcodes_corrupt`
 */
export function readDescription(db: ReadOnlyDatabase, run: Run): RunDescription {
  if (run.description !== "") return parseRunDescription(run.description, `run ${run.runId}`);
  try {
    return fromLayouts(db, run);
  } catch (e) {
    if (e instanceof SyncError) throw e;
    throw corrupt(`run ${run.runId}, table "layouts"`, e instanceof Error ? e.message : String(e), e);
  }
}

/** As QCoDeS' own upgrade to version 4 does: setpoints first, then what depends on them, then the rest. */
function fromLayouts(db: ReadOnlyDatabase, run: Run): RunDescription {
  const layouts = new Map(
    db.all("SELECT layout_id, parameter, label, unit, inferred_from FROM layouts WHERE run_id = ?", run.runId)
      .map((row) => [Number(row.layout_id), row]),
  );
  const links = db.all("SELECT dependent, independent FROM dependencies ORDER BY rowid")
    .map((row) => ({ dependent: Number(row.dependent), independent: Number(row.independent) }))
    .filter((link) => layouts.has(link.dependent));
  const axes = db.all("SELECT dependent, independent FROM dependencies ORDER BY dependent, axis_num");
  const types = new Map(db.columns(run.resultTable).map((c) => [c.name, c.type.toLowerCase()]));
  const nameOf = (id: number) => textOf(layouts.get(id)?.parameter);
  const order = new Set([
    ...links.map((l) => l.independent).filter((id) => layouts.has(id)),
    ...links.map((l) => l.dependent),
    ...inSetOrder(
      [...layouts.keys()].filter((id) => !links.some((l) => l.dependent === id || l.independent === id)),
    ),
  ]);
  return fromOldSpecs([...order].map((id): OldParamSpec => {
    const layout = layouts.get(id);
    const name = nameOf(id);
    const type = types.get(name);
    if (type !== "numeric" && type !== "array" && type !== "complex" && type !== "text") {
      throw corrupt(
        `run ${run.runId}, table "${run.resultTable}", column "${name}"`,
        type === undefined ? "the column is missing" : `its type "${type}" is not known`,
      );
    }
    return {
      name,
      paramtype: type,
      label: textOf(layout?.label),
      unit: textOf(layout?.unit),
      depends_on: axes.filter((a) => Number(a.dependent) === id).map((a) => nameOf(Number(a.independent))),
      inferred_from: textOf(layout?.inferred_from).split(", ").filter(Boolean),
    };
  }));
}

/**
 * The order in which CPython iterates over a set of integers: QCoDeS' upgrade keeps that order of parameters. Right
 * as long as no two fall into one slot, as the ids of one run, which follow each other, never do.
 */
function inSetOrder(ids: readonly number[]): number[] {
  let slots = 8;
  // set_add_entry: grows to more than four times the elements when three fifths are taken.
  for (let n = 1; n <= ids.length; n++) {
    if (n * 5 >= (slots - 1) * 3) { while (slots <= 4 * n) slots *= 2; }
  }
  return ids.toSorted((a, b) => a % slots - b % slots);
}
