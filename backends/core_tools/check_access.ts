/** Whether a database is one of core-tools and may be read, values included. */
import type { SyncError } from "../../src/kit/errors.ts";
import { withSnapshot } from "./connection.ts";
import { largeObjectsDenied } from "./database_error.ts";
import { extentOf, ObjectDenied } from "./large_object.ts";
import { OVERVIEW, overviewColumns } from "./overview.ts";
import type { Server } from "./server.ts";

/** @throws SyncError of class source that says what is in the way */
export async function checkAccess(server: Server): Promise<void> {
  const samples = await withSnapshot(server, async (db) => {
    await overviewColumns(db, server);
    // Asks for the right to read them, also where they are empty.
    await db.query(`SELECT uuid FROM ${OVERVIEW} LIMIT 1`);
    const [found] = await db.query(
      "SELECT pg_catalog.to_regclass('measurement_parameters') IS NOT NULL AS found",
    );
    if (found?.found !== true) return [];
    return await db.query(
      `SELECT l.oid::text AS oid, pg_catalog.pg_get_userbyid(l.lomowner)::text AS owner
       FROM ((SELECT oid FROM measurement_parameters WHERE oid <> 0 ORDER BY id DESC LIMIT 2)
       UNION (SELECT oid FROM measurement_parameters WHERE oid <> 0 ORDER BY id LIMIT 1)) AS p
       JOIN pg_catalog.pg_largeobject_metadata AS l ON l.oid = (p.oid::bigint & 4294967295)::oid ORDER BY l.oid DESC`,
    );
  });
  // Where some can be read, the others are a matter of their measurements.
  for (const { oid } of samples) if (await isReadable(server, String(oid))) return;
  const [denied] = samples;
  if (denied) throw largeObjectsDenied(server, String(denied.oid), String(denied.owner), "source");
}

async function isReadable(server: Server, oid: string): Promise<boolean> {
  try {
    await withSnapshot(server, (db) => extentOf(db, { oid, cursor: 0, points: 0 }));
    return true;
  } catch (e) {
    if (e instanceof ObjectDenied) return false;
    throw e;
  }
}

/**
 * What to say of a large object that may not be read: the source is at fault when none can be, else this one object,
 * and the other measurements go on.
 */
export async function deniedObject(server: Server, { oid }: ObjectDenied): Promise<SyncError> {
  await checkAccess(server);
  const [found] = await withSnapshot(server, (db) =>
    db.query(
      `SELECT pg_catalog.pg_get_userbyid(lomowner)::text AS owner
       FROM pg_catalog.pg_largeobject_metadata WHERE oid = $1::text::oid`,
      oid,
    ));
  return largeObjectsDenied(server, oid, String(found?.owner ?? "?"), "permission");
}
