/** The table of all measurements. */
import { z } from "zod";
import { SyncError } from "../../src/kit/errors.ts";
import type { Database } from "./connection.ts";
import type { Server } from "./server.ts";
import { describeServer } from "./server.ts";

export const OVERVIEW = "global_measurement_overview";
/** Marks, in the column `sync_location`, a measurement whose parameters are in the table of all parameters. */
export const NEW_LAYOUT = "New measurement_parameters";

const text = z.string().nullish().transform((value) => value ?? null);
const flag = text.transform((value) => value === "true");

const rowSchema = z.object({
  id: z.string(),
  uuid: z.string(),
  exp_name: text,
  set_up: text,
  project: text,
  sample: text,
  /** Local time of whoever wrote it, without zone. */
  start_time: text,
  stop_time: text,
  /** Name of the measurement's own table of parameters, in the older layout. */
  exp_data_location: text,
  snapshot: z.instanceof(Uint8Array).nullish(),
  metadata: z.instanceof(Uint8Array).nullish(),
  /** JSON. */
  keywords: text,
  starred: flag,
  completed: flag,
  data_size: text,
  data_cleared: flag,
  data_update_count: text,
  sync_location: text,
});
/** A measurement as the database has it; numbers beyond 2^53 as text. */
export type Measurement = z.infer<typeof rowSchema>;

const BYTES = ["snapshot", "metadata"];
/** What every release of core-tools wrote. */
const DEMANDED = ["id", "uuid"];

/**
 * The columns of the table; older releases have fewer.
 * @throws SyncError source `not_a_core_tools_database`
 */
export async function overviewColumns(db: Database, server: Server): Promise<Set<string>> {
  const rows = await db.query(
    `SELECT attname::text AS name FROM pg_catalog.pg_attribute
     WHERE attrelid = pg_catalog.to_regclass('${OVERVIEW}') AND attnum > 0 AND NOT attisdropped`,
  );
  const columns = new Set(rows.map((row) => String(row.name)));
  if (DEMANDED.every((name) => columns.has(name))) return columns;
  throw new SyncError(
    "source",
    "not_a_core_tools_database",
    `${describeServer(server)} is not a core-tools database: the table ${OVERVIEW} is missing`,
    { hint: "Check dbname, and that the role may use the schema of that table" },
  );
}

/** The list of a SELECT: everything but bytes as text, which leaves every number exact. */
export function selection(names: readonly string[], columns: ReadonlySet<string>): string {
  return names.filter((name) => columns.has(name))
    .map((name) => BYTES.includes(name) ? name : `${name}::text AS ${name}`).join(", ");
}

/** @throws SyncError data `measurement_missing` */
export async function readMeasurementRow(db: Database, server: Server, id: string): Promise<Measurement> {
  const columns = await overviewColumns(db, server);
  const names = Object.keys(rowSchema.shape);
  const [row] = await db.query(
    `SELECT ${selection(names, columns)} FROM ${OVERVIEW} WHERE id = $1::text::bigint`,
    id,
  );
  if (row) return rowSchema.parse(row);
  throw new SyncError(
    "data",
    "measurement_missing",
    `measurement ${id} is no longer in ${describeServer(server)}`,
    {
      hint: "It was deleted from the database; its dataset stays as it is.",
    },
  );
}
