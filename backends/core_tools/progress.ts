/** How far measurements are that are not finished. */
import type { Database, Row } from "./connection.ts";
import { type Measurement, NEW_LAYOUT } from "./overview.ts";
import { findTable } from "./parameter_table.ts";

/** Points written in all arrays together, by uuid: how far unfinished measurements are. */
export async function pointsWritten(
  db: Database,
  unfinished: readonly Pick<Measurement, "uuid" | "exp_data_location" | "sync_location">[],
): Promise<Map<string, string>> {
  const points = new Map<string, string>();
  if (unfinished.length === 0) return points;
  const note = (uuid: string, row: Row | undefined) =>
    points.set(uuid, `${row?.written ?? ""} of ${row?.arrays ?? 0}`);
  if (await findTable(db, "measurement_parameters")) {
    const rows = await db.query(
      `SELECT exp_uuid::text AS uuid, pg_catalog.sum(write_cursor)::text AS written, pg_catalog.count(*)::text AS arrays
       FROM measurement_parameters WHERE exp_uuid = ANY ($1::text::bigint[]) GROUP BY exp_uuid`,
      `{${unfinished.map((m) => m.uuid).join(",")}}`,
    );
    for (const row of rows) note(String(row.uuid), row);
  }
  for (const { uuid, exp_data_location: own, sync_location } of unfinished) {
    if (points.has(uuid) || sync_location === NEW_LAYOUT || !own) continue;
    const table = await findTable(db, own);
    if (!table?.isReadable) continue;
    const [row] = await db.query(
      `SELECT pg_catalog.sum(write_cursor)::text AS written, pg_catalog.count(*)::text AS arrays FROM ${table.name}`,
    );
    note(uuid, row);
  }
  return points;
}
