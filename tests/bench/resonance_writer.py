"""The peer of resonance_writer.ts: the same run with Python's sqlite3 and zarr.

usage: resonance_writer.py FOLDER EVENTS IMAGES ROWS COLUMNS careful|plain; prints one line of JSON.

careful: like our writer, images are on the disk before their rows are committed with the run; plain: nothing but zarr and
sqlite3, which leave images to the system. Both with the same codec (blosc with zstd level 1 and byte shuffle), one chunk
per image, Zarr format 2.
"""
import json
import os
import pathlib
import resource
import sqlite3
import sys
import time
import uuid

import numpy
import zarr
from numcodecs import Blosc

SCHEMA = """
CREATE TABLE runs (uid TEXT PRIMARY KEY, plan_name TEXT NOT NULL, time_start REAL NOT NULL, time_stop REAL,
  exit_status TEXT, num_events INTEGER DEFAULT 0, metadata TEXT);
CREATE TABLE streams (uid TEXT PRIMARY KEY, run_uid TEXT NOT NULL REFERENCES runs(uid), name TEXT NOT NULL,
  data_keys TEXT NOT NULL, time_created REAL NOT NULL);
CREATE TABLE events (uid TEXT PRIMARY KEY, stream_uid TEXT NOT NULL REFERENCES streams(uid), seq_num INTEGER NOT NULL,
  time REAL NOT NULL, data TEXT NOT NULL, timestamps TEXT);
CREATE INDEX idx_events_stream ON events(stream_uid);
CREATE UNIQUE INDEX idx_events_seq ON events(stream_uid, seq_num);
CREATE TABLE image_refs (id INTEGER PRIMARY KEY AUTOINCREMENT, event_uid TEXT NOT NULL REFERENCES events(uid),
  field_name TEXT NOT NULL, zarr_group TEXT NOT NULL, index_in_stack INTEGER NOT NULL, shape_x INTEGER NOT NULL,
  shape_y INTEGER NOT NULL, dtype TEXT NOT NULL, compression_codec TEXT);
CREATE INDEX idx_image_refs_event ON image_refs(event_uid);
"""


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def main(folder, events, images, rows, columns, careful):
    # The frames of the other side, made before the clock starts.
    index = numpy.arange(rows * columns, dtype=numpy.uint64)
    noise = [((index * 2654435761 + n * 40503) % 2**32 >> 26).astype("u2") for n in range(8)]
    frames = [(1000 + part).reshape(rows, columns) for part in noise]
    start = time.perf_counter()
    db = sqlite3.connect(f"{folder}/bench.db")
    db.execute("PRAGMA foreign_keys = ON")
    db.executescript(SCHEMA)
    group = zarr.open_group(f"{folder}/bench.zarr", mode="a", zarr_format=2)
    run, stream = uuid.uuid4().hex, uuid.uuid4().hex
    db.execute("INSERT INTO runs VALUES (?, ?, ?, NULL, NULL, 0, ?)", (run, "scan", time.time(), "{}"))
    db.commit()
    db.execute("INSERT INTO streams VALUES (?, ?, ?, ?, ?)", (stream, run, "primary", "{}", time.time()))
    db.commit()
    array = None
    place = pathlib.Path(f"{folder}/bench.zarr/runs/{run}/ccd")
    every = events // images if images else events + 1
    event_seconds = 0.0
    for n in range(events):
        before = time.perf_counter()
        uid = uuid.uuid4().hex
        data = {"energy": 280 + n / 100, "diode": n * 1e-9, "shutter": n % 2 == 0}
        stamps = {"energy": time.time(), "diode": time.time()}
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)",
                   (uid, stream, n + 1, time.time(), json.dumps(data), json.dumps(stamps)))
        event_seconds += time.perf_counter() - before
        if n % every != 0:
            continue
        image = frames[n // every % 8]
        if array is None:
            array = group.create_array(
                f"runs/{run}/ccd", shape=(0, rows, columns), chunks=(1, rows, columns), dtype=image.dtype,
                compressors=Blosc(cname="zstd", clevel=1, shuffle=Blosc.SHUFFLE), fill_value=0,
            )
        at = array.shape[0]
        array.resize((at + 1, rows, columns))
        array[at] = image
        if careful:
            sync(place / f"{at}.0.0")
        db.execute("INSERT INTO image_refs VALUES (NULL, ?, 'ccd', ?, ?, ?, ?, 'uint16', 'blosc')",
                   (uid, f"runs/{run}/ccd", at, rows, columns))
    if careful and images:
        sync(place / ".zarray")
        sync(place)
    db.execute("UPDATE runs SET time_stop = ?, exit_status = 'success', num_events = ? WHERE uid = ?",
               (time.time(), events, run))
    db.commit()
    db.close()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "event_seconds": event_seconds, "peak_mib": peak}))


main(sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6] == "careful")
