/** The tables of a beamtime database (user_version 1 and 2), read without an upgrade. */
import { SyncError } from "../../src/kit/errors.ts";
import type { ReadOnlyDatabase, Row, SqlValue } from "../../src/kit/sqlite/read_only_database.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";

const BEAMTIME_TABLES = ["samples", "runs", "streams", "events"];
const INDEX_TABLES = ["researchers", "beamtimes", "runs_index"];

/** @throws SyncError `is_master_index`, `not_a_beamtime_database` (class data) */
export function demandBeamtime(db: ReadOnlyDatabase): void {
  const tables = db.tables();
  const missing = BEAMTIME_TABLES.filter((name) => !tables.has(name));
  if (missing.length === 0) return;
  if (INDEX_TABLES.every((name) => tables.has(name))) {
    throw new SyncError("data", "is_master_index", `${db.path} is a master index, not a beamtime database`, {
      hint: "Give one of the databases that it lists, or the folder that holds them.",
    });
  }
  const lacks = `it has no table ${missing.join(", ")}`;
  throw new SyncError("data", "not_a_beamtime_database", `${db.path} is not a beamtime database: ${lacks}`, {
    hint: "Give the path of a database that resonance's RunWriter wrote.",
  });
}

export interface Sample {
  id: SqlValue;
  name: string;
  formula: string | null;
  serial: string | null;
  tags: unknown;
  beamline_pos: string | null;
  extra: unknown;
}

export interface Run {
  uid: string;
  plan_name: string;
  /** Unix seconds. */
  time_start: number;
  time_stop: number | null;
  /** null while the run goes on, and for ever when its writer died. */
  exit_status: string | null;
  num_events: number | null;
  operator: string | null;
  /** Parsed; null when there is none. */
  metadata: unknown;
  sample: Sample | null;
}

export interface Stream {
  uid: string;
  name: string;
  /** Parsed: description by field. */
  data_keys: unknown;
  time_created: number | null;
}

/** One row of image_refs with the event that it belongs to. */
export interface ImageRef {
  field: string;
  /** Path of the array below the Zarr store. */
  group: string;
  index: number;
  rows: number;
  columns: number;
  dtype: string;
  seq_num: number;
  /** Unix seconds; NaN when unknown. */
  time: number;
}

/** A run, its sample's columns and its row number, which grows from run to run. */
export const SELECT_RUNS =
  "SELECT r.rowid AS row_number, r.*, s.name AS sample_name, s.formula, s.serial, s.tags, " +
  "s.beamline_pos, s.extra FROM runs AS r LEFT JOIN samples AS s ON s.id = r.sample_id";

/** @throws SyncError `resonance_run_missing`, `resonance_corrupt` */
export function readRun(db: ReadOnlyDatabase, uid: string): Run {
  const row = db.get(`${SELECT_RUNS} WHERE r.uid = ?`, uid);
  if (!row) {
    throw new SyncError("data", "resonance_run_missing", `${db.path} has no run ${uid}`, {
      hint: "The run was deleted from the database, or the file was replaced.",
    });
  }
  const time_start = numberOf(row.time_start);
  // Years that a date on the wire cannot have.
  if (time_start === null || time_start < -6e10 || time_start > 2.5e11) {
    throw corrupt(`${db.path}: run ${uid}, table "runs"`, `time_start is ${textOf(row.time_start)}`);
  }
  return {
    uid,
    plan_name: textOf(row.plan_name) ?? "",
    time_start,
    time_stop: numberOf(row.time_stop),
    exit_status: textOf(row.exit_status),
    num_events: numberOf(row.num_events),
    operator: textOf(row.operator),
    metadata: jsonOf(row.metadata),
    sample: sampleOf(row),
  };
}

function sampleOf(row: Row): Sample | null {
  const name = textOf(row.sample_name);
  if (name === null) return null;
  return {
    id: row.sample_id ?? null,
    name,
    formula: textOf(row.formula),
    serial: textOf(row.serial),
    tags: jsonOf(row.tags),
    beamline_pos: textOf(row.beamline_pos),
    extra: jsonOf(row.extra),
  };
}

/** The streams of a run in the order in which they were opened. */
export function readStreams(db: ReadOnlyDatabase, runUid: string): Stream[] {
  return db.all("SELECT * FROM streams WHERE run_uid = ? ORDER BY rowid", runUid).map((row) => ({
    uid: textOf(row.uid) ?? "",
    name: textOf(row.name) ?? "",
    data_keys: jsonOf(row.data_keys),
    time_created: numberOf(row.time_created),
  }));
}

/** The images of a run by field and position in their stack; the codec column is never asked for. */
export function readImageRefs(db: ReadOnlyDatabase, runUid: string): ImageRef[] {
  if (!db.tables().has("image_refs")) return [];
  return db.all(
    "SELECT i.field_name, i.zarr_group, i.index_in_stack, i.shape_x, i.shape_y, i.dtype, e.seq_num, e.time " +
      "FROM streams AS s JOIN events AS e ON e.stream_uid = s.uid JOIN image_refs AS i ON i.event_uid = e.uid " +
      "WHERE s.run_uid = ? ORDER BY i.field_name, i.zarr_group, i.index_in_stack, i.id",
    runUid,
  ).map((row) => ({
    field: textOf(row.field_name) ?? "",
    group: textOf(row.zarr_group) ?? "",
    index: numberOf(row.index_in_stack) ?? -1,
    rows: Math.max(0, numberOf(row.shape_x) ?? 0),
    columns: Math.max(0, numberOf(row.shape_y) ?? 0),
    dtype: textOf(row.dtype) ?? "",
    seq_num: numberOf(row.seq_num) ?? -1,
    time: numberOf(row.time) ?? NaN,
  }));
}

export function textOf(value: SqlValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

export function numberOf(value: SqlValue | undefined): number | null {
  if (value === null || value === undefined || value === "" || value instanceof Uint8Array) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A JSON column (B5); what is no JSON stays text. */
export function jsonOf(value: SqlValue | undefined): unknown {
  const text = textOf(value);
  if (text === null) return null;
  try {
    return parseTolerantJson(text);
  } catch {
    return text;
  }
}

/** A value that should be a map by name; anything else is an empty one. */
export function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : {};
}

export function corrupt(where: string, reason: string): SyncError {
  return new SyncError("data", "resonance_corrupt", `${where}: ${reason}`, {
    hint: "The database is damaged at this place; look at it with sqlite3.",
  });
}
