/** The catalog's schema, one step per version. Steps are never edited once released, only added. */
import type { DatabaseSync } from "node:sqlite";
import { copyFileSync, existsSync } from "node:fs";
import { SyncError } from "../kit/errors.ts";

const STEPS: readonly string[] = [
  `
  CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    backend TEXT NOT NULL,
    config TEXT NOT NULL,
    default_scope TEXT,
    autoassign INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    state TEXT NOT NULL DEFAULT 'scanning',
    reason TEXT,
    cursor TEXT,
    scanned INTEGER NOT NULL DEFAULT 0,
    unmatched_count INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    identifier TEXT NOT NULL,
    /* Name on disk when it is not the identifier (other Unicode normalization). */
    path TEXT,
    dataset_uuid TEXT NOT NULL,
    scope_identifier TEXT,
    fingerprint TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    lane TEXT NOT NULL,
    priority REAL NOT NULL,
    has_priority INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    /* Repeats of one cause that is not counted as an attempt (busy) or quarantines only when repeated. */
    streak INTEGER NOT NULL DEFAULT 0,
    streak_code TEXT,
    streak_since INTEGER,
    next_attempt_at INTEGER,
    absent_since INTEGER,
    /* Fingerprint and code versions at the last verdict: a quarantined item waits until one of them changes. */
    verdict_key TEXT,
    pushed_scope TEXT,
    alt_uid TEXT,
    base TEXT,
    record BLOB,
    updated INTEGER NOT NULL,
    UNIQUE (source_id, identifier)
  ) STRICT;
  CREATE INDEX items_due ON items (source_id, state, lane, priority);
  CREATE INDEX items_timed ON items (source_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
  CREATE INDEX items_asked ON items (source_id, updated) WHERE has_priority = 1;
  CREATE INDEX items_uuid ON items (dataset_uuid);

  CREATE TABLE file_versions (
    file_uuid TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    dataset_uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    filename TEXT NOT NULL,
    type TEXT NOT NULL,
    size INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content_md5 TEXT,
    deep_sha256 TEXT,
    path TEXT NOT NULL,
    secured INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL,
    PRIMARY KEY (file_uuid, version_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX file_versions_by_name ON file_versions (dataset_uuid, name);

  CREATE TABLE hashes (
    path TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    identity TEXT NOT NULL,
    used INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE conversions (
    key TEXT PRIMARY KEY,
    output TEXT NOT NULL,
    used INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE scope_mappings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    scope_identifier TEXT NOT NULL,
    scope_uuid TEXT NOT NULL,
    UNIQUE (source_id, scope_identifier)
  ) STRICT;

  CREATE TABLE errors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER REFERENCES sources(id) ON DELETE CASCADE,
    iteration INTEGER NOT NULL,
    exception TEXT NOT NULL,
    context TEXT,
    traceback TEXT,
    timestamp INTEGER NOT NULL,
    viewed INTEGER NOT NULL DEFAULT 0,
    count INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX errors_by_source ON errors (source_id, id);

  CREATE TABLE unmatched (
    source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (source_id, path)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  /* When an item may be read: its input is quiet by then (D6). */
  ALTER TABLE items ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;
  /* First of the changes that were not read yet; null when all were. */
  ALTER TABLE items ADD COLUMN changed_since INTEGER;
  CREATE INDEX items_timed_lane ON items (source_id, lane, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
  CREATE INDEX items_settling ON items (source_id, due_at) WHERE state IN ('waiting','settling');
  CREATE INDEX items_absent ON items (source_id, absent_since)
    WHERE absent_since IS NOT NULL AND state NOT IN ('vanished','deleted_locally');
  CREATE INDEX items_newest ON items (source_id, priority);

  /* How the input of an item looked last; present only while the item's row tells the truth about that input. */
  CREATE TABLE looks (
    source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    item_id INTEGER NOT NULL,
    signature INTEGER NOT NULL,
    PRIMARY KEY (source_id, path)
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER looks_of_removed_items AFTER DELETE ON items BEGIN
    DELETE FROM looks WHERE source_id = OLD.source_id AND path = coalesce(OLD.path, OLD.identifier);
  END;
  CREATE TRIGGER looks_of_changed_items AFTER UPDATE OF source_id, identifier, path, state, absent_since ON items
    WHEN NEW.absent_since IS NOT NULL OR NEW.state IN ('vanished','deleted_locally')
      OR NEW.source_id <> OLD.source_id OR NEW.identifier <> OLD.identifier OR NEW.path IS NOT OLD.path
  BEGIN
    DELETE FROM looks WHERE source_id = OLD.source_id AND path = coalesce(OLD.path, OLD.identifier);
  END;

  /* How a moved input is recognised (D14): items with a dataset by how their input looked last, hashed files by theirs. */
  CREATE INDEX items_by_fingerprint ON items (fingerprint) WHERE pushed_scope IS NOT NULL;
  CREATE INDEX items_by_alt_uid ON items (alt_uid) WHERE alt_uid IS NOT NULL;
  CREATE INDEX hashes_by_file ON hashes (fingerprint);
  /* Where the input was before it moved, until a run has recorded that. */
  ALTER TABLE items ADD COLUMN moved_from TEXT;
  -- What a run is about to tell the platform, as JSON.
  ALTER TABLE items ADD COLUMN intent TEXT;
  /* Another item made the dataset: this one only adds keywords and attributes (S12). */
  ALTER TABLE items ADD COLUMN is_secondary INTEGER NOT NULL DEFAULT 0;

  /* Folders above the items of polled sources: one whose mtime is as before is not listed again. */
  CREATE TABLE folders (
    source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    parent TEXT NOT NULL,
    path TEXT NOT NULL,
    mtime_ns TEXT NOT NULL,
    PRIMARY KEY (source_id, parent, path)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE uploads (
    file_uuid TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    upload_id TEXT NOT NULL,
    part_size INTEGER NOT NULL,
    urls TEXT NOT NULL,
    expires INTEGER NOT NULL,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    started INTEGER NOT NULL,
    PRIMARY KEY (file_uuid, version_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE upload_parts (
    file_uuid TEXT NOT NULL,
    version_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (file_uuid, version_id, number)
  ) STRICT, WITHOUT ROWID;
  `,
];

export const SCHEMA_VERSION = STEPS.length;

/**
 * Brings a catalog to the newest schema, each migration in one transaction after a copy of the old file was kept.
 * @throws SyncError `catalog_newer` when a newer release wrote it
 */
export function migrate(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  if (version > STEPS.length) {
    throw new SyncError(
      "local",
      "catalog_newer",
      `${path} has schema ${version}, this program knows ${STEPS.length}`,
      {
        hint: "Use the newer etiket-sync that wrote it, or give another state folder with --home.",
        retry: "after-user",
      },
    );
  }
  if (version === STEPS.length) return;
  if (version > 0) {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const copy = `${path}.v${version}.bak`;
    if (!existsSync(copy)) copyFileSync(path, copy);
  }
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have migrated while this one waited for the lock.
    const now = Number(db.prepare("PRAGMA user_version").get()?.user_version ?? 0);
    for (const step of STEPS.slice(now)) db.exec(step);
    db.exec(`PRAGMA user_version = ${STEPS.length}`);
    db.exec("COMMIT");
  } catch (e) {
    // A full disk has rolled back already.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw e;
  }
}
