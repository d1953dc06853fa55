/** Finds new and changed runs without reading their data (rule B8). */
import { z } from "zod";
import type { DiscoveredItem, DiscoveryPage } from "../../src/kit/define_backend.ts";
import { quoted, type ReadOnlyDatabase, type Row } from "../../src/kit/sqlite/read_only_database.ts";
import { rowDigest } from "../../src/kit/sqlite/row_digest.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import type { QcodesConfig } from "./config.ts";
import { demandQcodes, lastRow, metadataColumns, secondsOf } from "./database.ts";
import { lastWritten, runningRuns, type Unfinished, unfinishedSchema } from "./live/running_runs.ts";

/** Runs of one page of a sweep over all runs. */
const PAGE = 500;
/** Runs that every call looks at. */
const NEWEST = 1000;
/** Time between two sweeps over all runs, ms. */
const SWEEP_EVERY = 10 * 60 * 1000;

const cursorSchema = z.object({
  /** Largest run id seen. */
  max: z.number(),
  /** The sweep goes on below this run id; null when it is done. */
  below: z.number().nullable(),
  /** When the last sweep began, ms since 1970 UTC. */
  swept: z.number(),
  /** Runs that may be measured just now. */
  unfinished: unfinishedSchema.default({}),
});
type Cursor = z.infer<typeof cursorSchema>;

/**
 * One page: first all runs, newest first; later the newest 1000, and all again every 10 minutes. Nothing in the
 * cursor depends on how many runs there are.
 */
export function discover(config: QcodesConfig, since: unknown, now: number): Promise<DiscoveryPage> {
  const parsed = cursorSchema.safeParse(since);
  const modified = lastWritten(config.database_path);
  return withReadOnly(config.database_path, (db): DiscoveryPage => {
    demandQcodes(db);
    const tables = db.tables();
    const max = Number(db.get("SELECT max(run_id) AS m FROM runs")?.m ?? 0);
    const cursor = nextCursor(parsed.success ? parsed.data : null, max, now);
    const seen = parsed.success ? parsed.data.max : max;
    const rows = cursor.below === null
      ? runsBelow(db, max + 1, NEWEST)
      : [...runsAbove(db, Math.max(seen, cursor.below - 1)), ...runsBelow(db, cursor.below, PAGE)];
    const last = Number(rows.at(-1)?.run_id ?? 0);
    const exhausted = last <= 1 || rows.length === 0 || runsBelow(db, last, 1).length === 0;
    // The sweep goes on after the newest when there is more that was not looked at.
    const below = exhausted || cursor.below === null && last <= seen + 1 ? null : last;
    const looked = rows.map((row) => ({ row, count: rowsOf(db, tables, row) }));
    const { running, unfinished } = runningRuns(
      looked.flatMap(({ row, count }) =>
        count === null || !tables.has(tableOf(row)) ? [] : [{
          runId: Number(row.run_id),
          rows: count,
          started: secondsOf(row.run_timestamp),
          newest: Number(row.run_id) === max,
        }]
      ),
      stillUnfinished(cursor.unfinished, looked),
      modified,
      now,
    );
    return {
      items: looked.map(({ row, count }) => ({
        ...itemOf(row, config, count),
        ...(running.has(Number(row.run_id)) ? { running: true as const } : {}),
      })),
      cursor: { max: Math.max(max, 0), below, swept: cursor.swept, unfinished } satisfies Cursor,
      more: below !== null,
    };
  });
}

function nextCursor(cursor: Cursor | null, max: number, now: number): Cursor {
  // A smaller number of runs: another database was put in this place.
  if (!cursor || max < cursor.max) return { max, below: max + 1, swept: now, unfinished: {} };
  const due = now - cursor.swept >= SWEEP_EVERY || now < cursor.swept;
  return cursor.below === null && due ? { ...cursor, max, below: max + 1, swept: now } : cursor;
}

/** Never the snapshot or the description: they can be megabytes. */
function select(db: ReadOnlyDatabase): string {
  const present = new Set(db.columns("runs").map((c) => c.name));
  const columns = [
    "run_id",
    "exp_id",
    "name",
    "guid",
    "is_completed",
    "run_timestamp",
    "completed_timestamp",
    "result_counter",
    "result_table_name",
    ...metadataColumns(db),
  ].filter((c) => present.has(c));
  return `SELECT ${columns.map((c) => `r.${quoted(c)}`).join(", ")}, e.name AS "experiment name", ` +
    `e.sample_name AS "sample name" FROM runs AS r LEFT JOIN experiments AS e ON e.exp_id = r.exp_id`;
}

function runsBelow(db: ReadOnlyDatabase, below: number, count: number): Row[] {
  return db.all(`${select(db)} WHERE r.run_id < ? ORDER BY r.run_id DESC LIMIT ?`, below, count);
}

function runsAbove(db: ReadOnlyDatabase, above: number): Row[] {
  return db.all(`${select(db)} WHERE r.run_id > ? ORDER BY r.run_id DESC`, above);
}

/** How far an unfinished run is; rows of a finished one do not change. */
function rowsOf(db: ReadOnlyDatabase, tables: Set<string>, row: Row): number | null {
  const table = tableOf(row);
  if (Number(row.is_completed) === 1) return null;
  return tables.has(table) ? lastRow(db, table) : 0;
}

/** What is remembered of runs that are not known to be finished by now. */
function stillUnfinished(
  before: Unfinished,
  looked: readonly { row: Row; count: number | null }[],
): Unfinished {
  const finished = new Set(looked.filter((l) => l.count === null).map(({ row }) => String(row.run_id)));
  return Object.fromEntries(Object.entries(before).filter(([id]) => !finished.has(id)));
}

function tableOf(row: Row): string {
  return String(row.result_table_name ?? "");
}

function itemOf(row: Row, config: QcodesConfig, rows: number | null): DiscoveredItem {
  const runId = Number(row.run_id);
  const { "experiment name": experiment, "sample name": sample, ...tuple } = row;
  const scope = config.scope_identifier_from === "sample" ? sample : experiment;
  return {
    identifier: String(runId),
    priority: runId,
    ...(typeof scope === "string" && scope !== "" ? { scope_identifier: scope } : {}),
    fingerprint: rowDigest([
      ...Object.entries(tuple).filter(([, value]) => value !== null),
      ...(rows === null ? [] : [["rows", rows]]),
    ]),
  };
}
