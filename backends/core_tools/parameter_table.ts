/** The parameters of a measurement: what was measured and set, and where their values are. */
import { z } from "zod";
import { SyncError } from "../../src/kit/errors.ts";
import { parseTolerantJson } from "../../src/kit/tolerant_json.ts";
import type { Database, Row } from "./connection.ts";
import { type Measurement, NEW_LAYOUT } from "./overview.ts";
import { quotedIdentifier } from "./server.ts";

/** One array of a measurement. */
export interface Parameter {
  /** Shared by the arrays that one instrument parameter gives. */
  id: string | null;
  /** The measured parameter that it belongs to; of a measured one its own id. */
  measuredId: string | null;
  /** Which array of a parameter that gives several. */
  set: number;
  /** The axis that a setpoint runs along. */
  axis: number;
  isSetpoint: boolean;
  name: string;
  label: string;
  unit: string;
  /** Ids of the setpoints in order of the axes. */
  dependencies: string[];
  /** Null when it is not recorded or no shape. */
  shape: number[] | null;
  /** Points written. */
  cursor: number;
  totalSize: number | null;
  /** The large object that holds the values; null when there is none. */
  oid: string | null;
  /** A large object that the row names and the database does not have. */
  lostOid: string | null;
}

/** In both layouts; `name_gobal` and `depencies` are core-tools' spelling. */
const COLUMNS = [
  "param_id",
  "nth_set",
  "nth_dim",
  "param_id_m_param",
  "setpoint",
  "setpoint_local",
  "name",
  "label",
  "unit",
  "depencies",
  "shape",
  "write_cursor",
  "total_size",
  "oid",
] as const;
const SELECTION = COLUMNS.map((name) => `${name}::text AS ${name}`).join(", ");

const text = z.string().nullable();
const integer = text.transform((value) => Number(value ?? 0));
const rowSchema = z.object({
  param_id: text,
  nth_set: integer,
  nth_dim: integer,
  param_id_m_param: text,
  setpoint: text,
  setpoint_local: text,
  name: text,
  label: text,
  unit: text,
  depencies: text,
  shape: text,
  write_cursor: integer,
  total_size: text,
  oid: text,
}).transform((row): Parameter => ({
  id: row.param_id,
  measuredId: row.param_id_m_param,
  set: row.nth_set,
  axis: row.nth_dim,
  isSetpoint: row.setpoint === "true" || row.setpoint_local === "true",
  name: row.name ?? "",
  label: row.label ?? "",
  unit: row.unit ?? "",
  dependencies: listIn(row.depencies)?.map(String) ?? [],
  shape: shapeIn(row.shape),
  cursor: row.write_cursor,
  totalSize: row.total_size === null ? null : Number(row.total_size),
  oid: oidIn(row.oid),
  lostOid: null,
}));

/** Ids stay text where a double cannot hold them. */
function listIn(json: string | null): unknown[] | null {
  if (json === null) return null;
  const value = parseTolerantJson(json);
  return Array.isArray(value) ? value : null;
}

/** The extents that a row names; null when it names none. */
export function shapeIn(json: string | null): number[] | null {
  const shape = z.array(z.number().int().nonnegative()).safeParse(listIn(json));
  return shape.success ? shape.data : null;
}

/** The column is a signed integer, object numbers are unsigned; 0 is none. */
export function oidIn(column: string | null): string | null {
  const oid = Number(column ?? 0);
  return oid === 0 ? null : String(oid < 0 ? oid + 2 ** 32 : oid);
}

/** Where the parameters of a measurement are. */
export interface ParameterPlace {
  /** The table, quoted where it is the measurement's own. */
  table: string;
  /** Its rows belong to one measurement alone; else `exp_uuid` says to which. */
  isOwn: boolean;
  /** The columns that give its rows their order. */
  order: string[];
}

const SHARED_PLACE: ParameterPlace = {
  table: "measurement_parameters",
  isOwn: false,
  order: ["param_index", "id"],
};

/**
 * The parameters in order; empty when none is recorded.
 * @throws SyncError data `parameters_missing` when the table that the measurement names is not there
 */
export async function readParameters(db: Database, measurement: Measurement): Promise<Parameter[]> {
  return (await findParameters(db, measurement)).parameters;
}

/** As {@link readParameters}; and where they are, null where none is recorded. */
export async function findParameters(
  db: Database,
  measurement: Measurement,
): Promise<{ place: ParameterPlace | null; parameters: Parameter[] }> {
  const { exp_data_location: own, sync_location, uuid } = measurement;
  const isOld = sync_location !== NEW_LAYOUT && own !== null && own !== "";
  const table = isOld ? await findTable(db, own) : null;
  if (table?.isReadable === false) {
    throw new SyncError(
      "permission",
      "table_denied",
      `measurement ${measurement.id}: no right to read its table of parameters ${table.name}`,
      {
        blame: "source",
        hint: `An administrator of the database runs: GRANT SELECT ON ${table.name} TO <the role>;`,
      },
    );
  }
  if (table) {
    const rows = await db.query(`SELECT ${SELECTION} FROM ${table.name} ORDER BY id`);
    return { place: { table: table.name, isOwn: true, order: ["id"] }, parameters: await parsed(db, rows) };
  }
  if (await findTable(db, SHARED_PLACE.table)) {
    const { table, order } = SHARED_PLACE;
    const rows = await db.query(
      `SELECT ${SELECTION} FROM ${table} WHERE exp_uuid = $1::text::bigint ORDER BY ${order.join()}`,
      uuid,
    );
    if (rows.length > 0 || !isOld) return { place: SHARED_PLACE, parameters: await parsed(db, rows) };
  }
  if (!isOld) return { place: null, parameters: [] };
  throw new SyncError(
    "data",
    "parameters_missing",
    `measurement ${measurement.id}: its table of parameters ${JSON.stringify(own)} is not in the database`,
    { hint: "Restore the table from a backup; the measurement is published without its values." },
  );
}

async function parsed(db: Database, rows: readonly Row[]): Promise<Parameter[]> {
  const parameters = rows.map((row) => rowSchema.parse(row));
  const objects = await db.query(
    "SELECT oid::text AS oid FROM pg_catalog.pg_largeobject_metadata WHERE oid = ANY ($1::text::oid[])",
    `{${parameters.flatMap(({ oid }) => oid ?? []).join(",")}}`,
  );
  const present = new Set(objects.map(({ oid }) => String(oid)));
  return parameters.map((p) =>
    p.oid === null || present.has(p.oid) ? p : { ...p, oid: null, lostOid: p.oid }
  );
}

/**
 * A table of parameters that the role sees, its name quoted; null when there is none. core-tools writes the names without quotes, so
 * that the server has folded them to lower case and cut them; `name` is a value here and never a part of a statement.
 */
export async function findTable(
  db: Database,
  name: string,
): Promise<{ name: string; isReadable: boolean } | null> {
  const [found] = await db.query(
    `SELECT n.nspname::text AS schema, c.relname::text AS name,
     pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable
     FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'depencies' AND NOT a.attisdropped
     WHERE c.relname IN ($1::text::name, pg_catalog.lower($1::text)::name) AND c.relkind IN ('r', 'p')
     AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY c.relname = $1::text::name DESC LIMIT 1`,
    name,
  );
  return found
    ? {
      name: `${quotedIdentifier(String(found.schema))}.${quotedIdentifier(String(found.name))}`,
      isReadable: found.readable === true,
    }
    : null;
}
