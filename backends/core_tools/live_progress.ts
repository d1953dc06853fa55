/** How far a measurement is: one cheap statement for all its arrays. */
import { z } from "zod";
import type { Database } from "./connection.ts";
import { OVERVIEW } from "./overview.ts";
import { oidIn, type Parameter, type ParameterPlace, shapeIn } from "./parameter_table.ts";

/** One array of a measurement. */
export interface ArrayProgress {
  /** Another text: another array. */
  identity: string;
  /** Points written. */
  cursor: number;
}

export interface Progress {
  completed: boolean;
  /** In the order in which the parameters are read. */
  arrays: ArrayProgress[];
}

const text = z.string().nullish();
const rowSchema = z.object({
  completed: text,
  row: text,
  param_id: text,
  shape: text,
  oid: text,
  write_cursor: text,
});

/**
 * The cursors and the flag as they are in one moment; the bytes up to there were committed no later. Found by the uuid,
 * which has an index in every release of core-tools.
 * @returns undefined when the measurement is gone
 */
export async function readProgress(
  db: Database,
  place: ParameterPlace | null,
  uuid: string,
): Promise<Progress | undefined> {
  const parameters = place &&
    `LEFT JOIN ${place.table} AS p ON ${place.isOwn ? "true" : "p.exp_uuid = o.uuid"}`;
  const order = place ? `ORDER BY ${place.order.map((column) => `p.${column}`).join()}` : "";
  const columns = place
    ? ", p.id::text AS row, p.param_id::text, p.shape::text, p.oid::text, p.write_cursor::text"
    : "";
  const rows = (await db.query(
    `SELECT o.completed::text${columns} FROM ${OVERVIEW} AS o ${parameters ?? ""}
     WHERE o.uuid = $1::text::bigint ${order}`,
    uuid,
  )).map((row) => rowSchema.parse(row));
  const [first] = rows;
  if (!first) return undefined;
  return {
    completed: first.completed === "true",
    arrays: rows.filter(({ row }) => row !== null && row !== undefined).map((row) => ({
      identity: identityOf(row.param_id ?? null, shapeIn(row.shape ?? null), oidIn(row.oid ?? null)),
      cursor: Number(row.write_cursor ?? 0),
    })),
  };
}

/** The same of a parameter that was read as a whole. */
export function progressOf({ id, shape, oid, lostOid, cursor }: Parameter): ArrayProgress {
  return { identity: identityOf(id, shape, oid ?? lostOid), cursor };
}

function identityOf(id: string | null, shape: number[] | null, oid: string | null): string {
  return JSON.stringify([id, shape, oid]);
}

/** Whether what was known is no beginning of what is there now: other arrays, or cursors that went back. */
export function isAnother(known: readonly ArrayProgress[], now: readonly ArrayProgress[]): boolean {
  return known.length !== now.length ||
    known.some(({ identity, cursor }, i) => now[i]?.identity !== identity || now[i].cursor < cursor);
}
