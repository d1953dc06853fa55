/** Finds the datasets that are not on the platform yet, without reading what they hold. */
import { z } from "zod";
import type { DiscoveredItem, DiscoveryPage } from "../../src/kit/define_backend.ts";
import type { ReadOnlyDatabase, Row, SqlValue } from "../../src/kit/sqlite/read_only_database.ts";
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
    const more = rows.length === PAGE;
    const ids = JSON.stringify(rows.map((row) => row.id));
    // There is no index of the files by dataset: they are gone through once for all datasets of the page.
    const files = Map.groupBy(
      rows.length === 0 ? [] : db.all(
        `SELECT ${selection(db, "files", "f")} FROM files AS f
         WHERE f.dataset_id IN (SELECT value FROM json_each(?)) ORDER BY f.id`,
        ids,
      ),
      (file) => file.dataset_id,
    );
    const attributes = attributesOf(db, ids);
    return {
      items: rows.map((row) => {
        const id = row.id ?? null;
        return itemOf(row, files.get(id) ?? [], attributes.get(id) ?? []);
      }),
      cursor: more ? { after: Number(rows.at(-1)?.id) } : null,
      more,
    };
  });
}

/**
 * Keys and values of the attributes of datasets.
 * @param ids of the datasets, a JSON list
 */
export function attributesOf(db: ReadOnlyDatabase, ids: string): Map<SqlValue, [string, string][]> {
  const rows = db.all(
    `SELECT l.dataset_id, a.key, a.value FROM ds_attr_link AS l JOIN dataset_attr AS a ON a.id = l.dataset_attr_id
     WHERE l.dataset_id IN (SELECT value FROM json_each(?)) ORDER BY a.id`,
    ids,
  );
  const found = new Map<SqlValue, [string, string][]>();
  for (const { dataset_id = null, key, value } of rows) {
    const attributes = found.get(dataset_id) ?? [];
    attributes.push([String(key), String(value)]);
    found.set(dataset_id, attributes);
  }
  return found;
}

const isLive = ({ synchronized, status, type }: Row) =>
  synchronized === 0 && status === "writing" && type !== "HDF5_CACHE";

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
    ...(files.some(isLive) ? { running: true as const } : {}),
    // Without the marks, which the agent sets itself.
    fingerprint: rowDigest([dataset, attributes, files.map(({ synchronized: _mark, ...file }) => file)]),
  };
}
