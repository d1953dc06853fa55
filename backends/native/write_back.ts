/**
 * Notes in the native database what the platform has: the only database of a user that is written. Only the marks
 * `synchronized` and metadata that were changed on the platform, in one short transaction, and nothing where a row's
 * `modified` is another than when it was read.
 */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { ReadItem, TakenOver, WriteBack, WriteBackResult } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { sqliteUri } from "../../src/kit/sqlite/open_read_only.ts";
import {
  quoted,
  ReadOnlyDatabase,
  type Row,
  type SqlValue,
} from "../../src/kit/sqlite/read_only_database.ts";
import { sqliteError } from "../../src/kit/sqlite/sqlite_error.ts";
import type { NativeConfig } from "./config.ts";
import { demandNative, storedUuids, whereDataset } from "./database.ts";
import { parseState, type State } from "./state.ts";

/** How long another writer is waited for, ms; qdrive waits 10 s for us. */
const LOCK_WAIT_MS = 5000;
/** Readers are waited for less long, for meanwhile no other can begin. */
const COMMIT_WAIT_MS = 500;

type Statement = [sql: string, ...params: SqlValue[]];

/** @throws SyncError busy `sqlite_busy`, permission `native_not_writable`, those of reading */
export function writeBack(config: NativeConfig, item: ReadItem, outcome: WriteBack): WriteBackResult {
  const seen = parseState(outcome.state);
  // Opening a database for writing may leave traces, also when nothing is written.
  const isMarked = seen.synchronized || !outcome.complete;
  if (isMarked && outcome.secured.length === 0 && Object.keys(outcome.metadata).length === 0) {
    return { moved: false };
  }
  return write(config.database, (db) => planOf(db, item, outcome, seen));
}

interface Plan {
  statements: Statement[];
  moved: boolean;
}

/** What to write into the database as it is now. */
function planOf(db: ReadOnlyDatabase, item: ReadItem, outcome: WriteBack, seen: State): Plan {
  demandNative(db);
  const { sql, params } = whereDataset(item.identifier);
  const dataset = db.get(
    `SELECT d.id, d.modified, d.scope_id, d.synchronized FROM datasets AS d WHERE ${sql}`,
    ...params,
  );
  if (!dataset || dataset.modified !== seen.modified) return { statements: [], moved: true };

  const statements: Statement[] = [];
  let moved = false;
  for (const { uuid, version_id } of outcome.secured) {
    const row = db.get(
      `SELECT id, modified, status, synchronized FROM files
       WHERE uuid IN (?, ?, ?) AND version_id = ? AND dataset_id = ?`,
      ...storedUuids(uuid),
      version_id,
      dataset.id ?? null,
    );
    const before = seen.files.find((f) => f.uuid === uuid && f.version_id === version_id);
    if (!row || row.modified !== before?.modified || row.status !== "complete") moved = true;
    else if (row.synchronized !== 1) {
      statements.push(["UPDATE files SET synchronized = 1 WHERE id = ?", row.id ?? null]);
    }
  }
  statements.push(...attributeStatements(db, dataset, outcome.metadata.attributes ?? {}));
  const cells = cellsOf(outcome.metadata);
  if (outcome.complete && !moved && dataset.synchronized !== 1) cells.push(["synchronized", 1]);
  if (cells.length > 0) {
    const set = cells.map(([column]) => `${quoted(column)} = ?`).join(", ");
    statements.push([
      `UPDATE datasets SET ${set} WHERE id = ?`,
      ...cells.map(([, v]) => v),
      dataset.id ?? null,
    ]);
  }
  return { statements, moved };
}

function cellsOf({ attributes: _others, keywords, ...cells }: TakenOver): [string, SqlValue][] {
  return [
    ...Object.entries(cells),
    ...(keywords === undefined ? [] : [["keywords", pythonList(keywords)] as [string, SqlValue]]),
  ];
}

/** As Python's json.dumps writes it, which qdrive does: ASCII, a blank behind commas. */
function pythonList(values: string[]): string {
  const escaped = (value: string) =>
    JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  return `[${values.map(escaped).join(", ")}]`;
}

/** Attributes are rows shared by the datasets of a scope; one that no dataset has any more goes. */
function attributeStatements(
  db: ReadOnlyDatabase,
  dataset: Row,
  wanted: Record<string, string | null>,
): Statement[] {
  const id = dataset.id ?? null;
  const scope = dataset.scope_id ?? null;
  const linked = db.all(
    `SELECT a.id, a.key, a.value FROM ds_attr_link AS l JOIN dataset_attr AS a ON a.id = l.dataset_attr_id
     WHERE l.dataset_id = ?`,
    id,
  );
  const statements: Statement[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const present = linked.filter((a) => a.key === key);
    for (const { id: attribute = null } of present.filter((a) => a.value !== value)) {
      statements.push(
        ["DELETE FROM ds_attr_link WHERE dataset_id = ? AND dataset_attr_id = ?", id, attribute],
        [
          `DELETE FROM dataset_attr WHERE id = ?1
           AND NOT EXISTS (SELECT 1 FROM ds_attr_link WHERE dataset_attr_id = ?1)`,
          attribute,
        ],
      );
    }
    if (value === null || present.some((a) => a.value === value)) continue;
    statements.push(
      [
        `INSERT INTO dataset_attr (key, value, scope_id) SELECT ?1, ?2, ?3
         WHERE NOT EXISTS (SELECT 1 FROM dataset_attr WHERE key = ?1 AND value = ?2 AND scope_id = ?3)`,
        key,
        value,
        scope,
      ],
      [
        `INSERT INTO ds_attr_link (dataset_id, dataset_attr_id)
         SELECT ?, a.id FROM dataset_attr AS a WHERE a.key = ? AND a.value = ? AND a.scope_id = ?`,
        id,
        key,
        value,
        scope,
      ],
    );
  }
  return statements;
}

/** Plans under the lock, and does it. */
function write(path: string, planOf: (db: ReadOnlyDatabase) => Plan): WriteBackResult {
  const doing = `noting in ${path} what is on the platform`;
  // Asked before anything is open: closing any handle of the file would drop SQLite's locks.
  const hasWal = existsSync(`${path}-wal`);
  let keeper: DatabaseSync | null = null;
  try {
    const db = new DatabaseSync(sqliteUri(path, "mode=rw"), { timeout: LOCK_WAIT_MS });
    try {
      // Whose the -wal is brings it into the database, not we.
      db.exec("PRAGMA wal_autocheckpoint = 0");
      db.exec("BEGIN IMMEDIATE");
      if (hasWal) keeper = openKeeper(path);
      const reader = new ReadOnlyDatabase(db, path);
      const { statements, moved } = planOf(reader);
      for (const [sql, ...params] of statements) db.prepare(sql).run(...params);
      db.exec(`PRAGMA busy_timeout = ${COMMIT_WAIT_MS}`);
      db.exec("COMMIT");
      return { moved };
    } finally {
      if (db.isTransaction) db.exec("ROLLBACK");
      db.close();
    }
  } catch (e) {
    throw writeError(e, doing);
  } finally {
    // Closed last, and for reading only: so nobody brings a -wal that was there into the database, or removes it.
    keeper?.close();
  }
}

/** Holds a snapshot; with a read-only `-shm` its closing cannot bring the `-wal` into the database. */
function openKeeper(path: string): DatabaseSync {
  const db = new DatabaseSync(sqliteUri(path, "mode=ro&readonly_shm=1"), {
    readOnly: true,
    timeout: LOCK_WAIT_MS,
  });
  // The snapshot is taken by the first read.
  db.exec("BEGIN; SELECT count(*) FROM sqlite_master");
  return db;
}

function writeError(thrown: unknown, doing: string): SyncError {
  const error = sqliteError(thrown, doing);
  const isRefused = /readonly|read-only|unable to open/i.test(error.message);
  if (!isRefused) return error;
  return new SyncError("permission", "native_not_writable", error.message, {
    hint: "Let the user that runs etiket-sync write to the database and its folder.",
    blame: "source",
    cause: thrown,
  });
}
