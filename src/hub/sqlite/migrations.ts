/** The hub's tables. A migration is never changed once released: a new one is appended. */

/** `PRAGMA user_version` of a database is the number of migrations that it has seen. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE users (
    sub TEXT PRIMARY KEY, firstname TEXT NOT NULL, lastname TEXT NOT NULL, email TEXT,
    role TEXT NOT NULL, is_enabled INTEGER NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL
  ) STRICT;

  CREATE TABLE scopes (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL,
    is_restricted INTEGER NOT NULL, is_archived INTEGER NOT NULL, bucket_uuid TEXT,
    created TEXT NOT NULL, modified TEXT NOT NULL
  ) STRICT;

  CREATE TABLE datasets (
    id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, alt_uid TEXT,
    scope_id INTEGER NOT NULL REFERENCES scopes (id),
    collected TEXT NOT NULL, name TEXT NOT NULL, creator TEXT NOT NULL, description TEXT, notes TEXT,
    keywords TEXT NOT NULL, ranking INTEGER NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL,
    UNIQUE (alt_uid, scope_id)
  ) STRICT;
  CREATE INDEX datasets_newest_first ON datasets (collected DESC, uuid);
  CREATE INDEX datasets_of_scope ON datasets (scope_id, collected DESC);

  CREATE TABLE dataset_attributes (
    id INTEGER PRIMARY KEY, dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (dataset_id, key)
  ) STRICT;
  CREATE INDEX attribute_values ON dataset_attributes (key, value);

  CREATE VIRTUAL TABLE datasets_fts USING fts5 (
    name, description, notes, keywords,
    content = 'datasets', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
  );
  CREATE TRIGGER datasets_fts_insert AFTER INSERT ON datasets BEGIN
    INSERT INTO datasets_fts (rowid, name, description, notes, keywords)
    VALUES (new.id, new.name, new.description, new.notes, new.keywords);
  END;
  CREATE TRIGGER datasets_fts_delete AFTER DELETE ON datasets BEGIN
    INSERT INTO datasets_fts (datasets_fts, rowid, name, description, notes, keywords)
    VALUES ('delete', old.id, old.name, old.description, old.notes, old.keywords);
  END;
  CREATE TRIGGER datasets_fts_update AFTER UPDATE OF name, description, notes, keywords ON datasets BEGIN
    INSERT INTO datasets_fts (datasets_fts, rowid, name, description, notes, keywords)
    VALUES ('delete', old.id, old.name, old.description, old.notes, old.keywords);
    INSERT INTO datasets_fts (rowid, name, description, notes, keywords)
    VALUES (new.id, new.name, new.description, new.notes, new.keywords);
  END;

  -- object_*: what the hub counted of the bytes that were uploaded last
  CREATE TABLE files (
    id INTEGER PRIMARY KEY, dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    uuid TEXT NOT NULL, version_id INTEGER NOT NULL, name TEXT NOT NULL, filename TEXT NOT NULL,
    creator TEXT NOT NULL, collected TEXT NOT NULL, size INTEGER NOT NULL, type TEXT NOT NULL,
    file_generator TEXT, ranking INTEGER NOT NULL, immutable INTEGER NOT NULL, status TEXT NOT NULL,
    md5_checksum TEXT, etag TEXT, created TEXT NOT NULL, modified TEXT NOT NULL,
    object_size INTEGER, object_md5 TEXT, object_sha256 TEXT, object_stamp TEXT,
    UNIQUE (uuid, version_id)
  ) STRICT;
  CREATE INDEX files_of_dataset ON files (dataset_id, name);

  -- files whose records are gone and whose objects have to go
  CREATE TABLE removed_files (uuid TEXT PRIMARY KEY) STRICT;

  CREATE TABLE bug_reports (
    id INTEGER PRIMARY KEY, created TEXT NOT NULL, reporter TEXT NOT NULL, report TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- the upload in several parts that made the object, until another link is handed out
  ALTER TABLE files ADD COLUMN object_upload TEXT;
  ALTER TABLE files ADD COLUMN object_etag TEXT;
  UPDATE files SET object_etag = object_md5;

  -- ended: takes no parts any more and waits to be cleaned up; begun: ms since 1970;
  -- whole: what the hub counted of the parts put together, as JSON, before it makes them the object
  CREATE TABLE uploads (
    id TEXT PRIMARY KEY, file_uuid TEXT NOT NULL, version_id INTEGER NOT NULL, size INTEGER NOT NULL,
    part_size INTEGER NOT NULL, begun INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0, whole TEXT
  ) STRICT;
  CREATE INDEX uploads_of_version ON uploads (file_uuid, version_id);

  -- parts that are safely stored; place: a file of its own, null where the part lies in the whole
  CREATE TABLE upload_parts (
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE, number INTEGER NOT NULL,
    md5 TEXT NOT NULL, place TEXT, PRIMARY KEY (upload_id, number)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- bytes of small objects
  CREATE TABLE kept_objects (
    file_id INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE, bytes BLOB NOT NULL
  ) STRICT;
  `,
];
