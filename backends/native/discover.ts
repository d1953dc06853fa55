/** Finds the datasets that are not on the platform yet, without reading what they hold. */
import { z } from "zod";
import type { DiscoveredItem, DiscoveryPage } from "../../src/kit/define_backend.ts";
import type { ReadOnlyDatabase, Row } from "../../src/kit/sqlite/read_only_database.ts";
import { rowDigest } from "../../src/kit/sqlite/row_digest.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import type { NativeConfig } from "./config.ts";
import { demandNative, identifierOf, OPEN_FILE, selection, utcOf, uuidOf } from "./database.ts";

const PAGE = 2000;

const cursorSchema = z.object({ after: z.number() });

/**
 * One page of the datasets that are not synchronized, or have a file that is to be uploaded. Each call begins again: what
 * is done is marked in the database and no longer found.
 */
export function discover(config: NativeConfig, since: unknown): Promise<DiscoveryPage> {
  const cursor = cursorSchema.safeParse(since);
  const after = cursor.success ? cursor.data.after : Number.MIN_SAFE_INTEGER;
  return withReadOnly(config.database, (db): DiscoveryPage => {
    demandNative(db);
    const rows = db.all(
      `SELECT ${selection(db, "datasets", "d")}, s.uuid AS scope FROM datasets AS d
       LEFT JOIN scopes AS s ON s.id = d.scope_id
       WHERE d.id > ? AND (d.synchronized = 0 OR d.id IN (SELECT f.dataset_id FROM files AS f WHERE ${OPEN_FILE}))
       ORDER BY d.id LIMIT ?`,
      after,
      PAGE,
    );
    const filesOf = `SELECT ${
      selection(db, "files", "f")
    } FROM files AS f WHERE f.dataset_id = ? ORDER BY f.id`;
    const more = rows.length === PAGE;
    return {
      items: rows.map((row) => itemOf(row, db.all(filesOf, row.id ?? null), attributesOf(db, row))),
      cursor: more ? { after: Number(rows.at(-1)?.id) } : null,
      more,
    };
  }, { copyWal: 0 });
}

/** Keys and values of a dataset's attributes. */
export function attributesOf(db: ReadOnlyDatabase, dataset: Row): [string, string][] {
  return db.all(
    `SELECT a.key, a.value FROM ds_attr_link AS l JOIN dataset_attr AS a ON a.id = l.dataset_attr_id
     WHERE l.dataset_id = ? ORDER BY a.id`,
    dataset.id ?? null,
  ).map((a) => [String(a.key), String(a.value)]);
}

function itemOf(
  { synchronized: _done, ...dataset }: Row,
  files: Row[],
  attributes: [string, string][],
): DiscoveredItem {
  const scope = uuidOf(dataset.scope);
  const uuid = uuidOf(dataset.uuid);
  const changes = [dataset, ...files.filter((f) => f.synchronized !== 1)].map((r) => utcOf(r.modified));
  return {
    identifier: identifierOf({ id: dataset.id, uuid: dataset.uuid }),
    priority: Math.max(0, ...changes.map((t) => t === null ? 0 : Date.parse(t) / 1000)),
    ...(scope === null ? {} : { scope_identifier: scope }),
    ...(uuid === null ? {} : { dataset_uuid: uuid }),
    // Without the marks, which the agent sets itself.
    fingerprint: rowDigest([dataset, attributes, files.map(({ synchronized: _mark, ...file }) => file)]),
  };
}
