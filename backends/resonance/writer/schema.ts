/** The tables of a beamtime database (user_version 2) and of a master index (user_version 1). */

export const BEAMTIME_VERSION = 2;
export const INDEX_VERSION = 1;

export const BEAMTIME_TABLES = ["samples", "runs", "streams", "events", "image_refs"] as const;
export const INDEX_TABLES = ["researchers", "beamtimes", "runs_index"] as const;

/** What version 2 added to version 1. */
export const ADDED_IN_2 = { table: "image_refs", column: "compression_codec", type: "TEXT" } as const;

export const BEAMTIME_SCHEMA = `
CREATE TABLE samples (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    formula      TEXT,
    serial       TEXT,
    tags         TEXT,
    beamline_pos TEXT,
    extra        TEXT
);
CREATE INDEX idx_samples_name ON samples(name);
CREATE TABLE runs (
    uid          TEXT PRIMARY KEY,
    sample_id    INTEGER REFERENCES samples(id) ON DELETE SET NULL,
    plan_name    TEXT NOT NULL,
    time_start   REAL NOT NULL,
    time_stop    REAL,
    exit_status  TEXT,
    num_events   INTEGER DEFAULT 0,
    operator     TEXT,
    metadata     TEXT
);
CREATE INDEX idx_runs_sample ON runs(sample_id);
CREATE INDEX idx_runs_plan   ON runs(plan_name);
CREATE INDEX idx_runs_tstart ON runs(time_start);
CREATE TABLE streams (
    uid          TEXT PRIMARY KEY,
    run_uid      TEXT NOT NULL REFERENCES runs(uid) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    data_keys    TEXT NOT NULL,
    time_created REAL NOT NULL
);
CREATE INDEX idx_streams_run ON streams(run_uid);
CREATE UNIQUE INDEX idx_streams_run_name ON streams(run_uid, name);
CREATE TABLE events (
    uid        TEXT PRIMARY KEY,
    stream_uid TEXT NOT NULL REFERENCES streams(uid) ON DELETE CASCADE,
    seq_num    INTEGER NOT NULL,
    time       REAL NOT NULL,
    data       TEXT NOT NULL,
    timestamps TEXT
);
CREATE INDEX idx_events_stream ON events(stream_uid);
CREATE UNIQUE INDEX idx_events_seq ON events(stream_uid, seq_num);
CREATE TABLE image_refs (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    event_uid         TEXT NOT NULL REFERENCES events(uid) ON DELETE CASCADE,
    field_name        TEXT NOT NULL,
    zarr_group        TEXT NOT NULL,
    index_in_stack    INTEGER NOT NULL,
    shape_x           INTEGER NOT NULL,
    shape_y           INTEGER NOT NULL,
    dtype             TEXT NOT NULL,
    compression_codec TEXT
);
CREATE INDEX idx_image_refs_event ON image_refs(event_uid);
`;

export const INDEX_SCHEMA = `
CREATE TABLE researchers (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    email       TEXT,
    orcid       TEXT,
    affiliation TEXT,
    root_path   TEXT NOT NULL,
    extra       TEXT
);
CREATE UNIQUE INDEX idx_researchers_name ON researchers(name);
CREATE TABLE beamtimes (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    researcher_id INTEGER NOT NULL REFERENCES researchers(id) ON DELETE CASCADE,
    label         TEXT NOT NULL,
    db_path       TEXT NOT NULL,
    time_start    REAL,
    time_stop     REAL,
    description   TEXT,
    extra         TEXT
);
CREATE INDEX idx_beamtimes_researcher ON beamtimes(researcher_id);
CREATE INDEX idx_beamtimes_start ON beamtimes(time_start);
CREATE UNIQUE INDEX idx_beamtimes_db_path ON beamtimes(db_path);
CREATE TABLE runs_index (
    uid           TEXT PRIMARY KEY,
    researcher_id INTEGER NOT NULL REFERENCES researchers(id) ON DELETE CASCADE,
    beamtime_id   INTEGER NOT NULL REFERENCES beamtimes(id) ON DELETE CASCADE,
    plan_name     TEXT NOT NULL,
    sample_name   TEXT,
    time_start    REAL NOT NULL,
    tags          TEXT
);
CREATE INDEX idx_runs_index_plan ON runs_index(plan_name);
CREATE INDEX idx_runs_index_sample ON runs_index(sample_name);
CREATE INDEX idx_runs_index_time ON runs_index(time_start);
`;
