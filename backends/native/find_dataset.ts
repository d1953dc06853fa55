/** Which dataset the native database has under an alt_uid: another program may have entered a measurement there first. */
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import type { NativeConfig } from "./config.ts";
import { demandNative, storedUuids, uuidOf } from "./database.ts";

/** @returns its uuid, or null */
export function findDataset(
  { database }: NativeConfig,
  altUid: string,
  scope: string,
): Promise<string | null> {
  return withReadOnly(database, (db) => {
    demandNative(db);
    if (!db.columns("datasets").some((c) => c.name === "alt_uid")) return null;
    const row = db.get(
      `SELECT d.uuid FROM datasets AS d JOIN scopes AS s ON s.id = d.scope_id
       WHERE d.alt_uid = ? AND s.uuid IN (?, ?, ?)`,
      altUid,
      ...storedUuids(scope),
    );
    return uuidOf(row?.uuid);
  });
}
