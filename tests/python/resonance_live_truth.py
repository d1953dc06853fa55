#!/usr/bin/env python3
"""Runs that sqlite3 and zarr write as ALS-RSOXS/Resonance does, followed while they are written: events in one open
transaction that is committed with the run, images on the disk before.

usage: resonance_live_truth.py [--deno "npx --yes deno@2.9.6"]     prints how long after an image was stored it was seen,
and "N passed, N failed"; exit 1 on a failure
"""
import argparse
import json
import pathlib
import sqlite3
import sys
import tempfile
import time
import uuid

import numpy as np
import zarr
from numcodecs import Blosc

from check_truth import FIXTURES
from live_follower import Follower, LiveChecks, percentiles

ROWS, COLUMNS = 120, 90
ARRAYS = {
    "format 2, blosc": dict(zarr_format=2, chunks=(1, ROWS, COLUMNS), compressors=Blosc()),
    "format 3, as zarr makes it": dict(zarr_format=3, chunks=(1, ROWS, COLUMNS)),
    "format 3, several chunks a frame, none where it is dark": dict(
        zarr_format=3, chunks=(1, ROWS // 2, COLUMNS), config={"write_empty_chunks": False}),
    "format 3, several frames a chunk": dict(zarr_format=3, chunks=(4, ROWS, COLUMNS)),
}


def schema():
    with sqlite3.connect(f"file:{sorted((FIXTURES / 'resonance').glob('*.db'))[0]}?mode=ro", uri=True) as db:
        return [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")]


def frame(n):
    """Every fifth one is dark, the others in their lower half."""
    values = np.zeros((ROWS, COLUMNS), "uint16")
    if n % 5 != 2:
        values[ROWS // 2:] = 100 + n
    return values


class Run:
    def __init__(self, folder, options):
        self.path = pathlib.Path(folder) / "beam.db"
        self.db = sqlite3.connect(self.path)
        for sql in schema():
            self.db.execute(sql)
        self.db.execute("PRAGMA user_version = 2")
        self.uid, self.stream = uuid.uuid4().hex, uuid.uuid4().hex
        self.db.execute("INSERT INTO samples (name) VALUES ('film')")
        self.db.execute("INSERT INTO runs (uid, sample_id, plan_name, time_start) VALUES (?, 1, 'scan', ?)", (self.uid, time.time()))
        self.db.commit()
        keys = {"energy": {"dtype": "number", "units": "eV"}, "ccd": {"dtype": "array", "shape": [ROWS, COLUMNS], "external": "ZARR:"}}
        self.db.execute("INSERT INTO streams VALUES (?, ?, 'primary', ?, ?)", (self.stream, self.uid, json.dumps(keys), time.time()))
        self.db.commit()
        self.options = dict(options)
        self.group = zarr.open_group(str(self.path.with_suffix(".zarr")), mode="a", zarr_format=self.options.pop("zarr_format"))
        self.array = None
        self.stored = []

    def event(self, n):
        uid = uuid.uuid4().hex
        data = {"energy": float("nan") if n == 3 else 280 + n / 8}
        self.db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (uid, self.stream, n + 1, time.time(), json.dumps(data), "{}"))
        if self.array is None:
            self.array = self.group.create_array(
                f"runs/{self.uid}/ccd", shape=(0, ROWS, COLUMNS), dtype="uint16", fill_value=0, **self.options)
        self.array.resize((n + 1, ROWS, COLUMNS))
        self.array[n] = frame(n)
        self.stored.append((time.time(), (n + 1) * ROWS * COLUMNS))
        self.db.execute(
            "INSERT INTO image_refs (event_uid, field_name, zarr_group, index_in_stack, shape_x, shape_y, dtype, compression_codec)"
            " VALUES (?, 'ccd', ?, ?, ?, ?, 'uint16', 'blosc')", (uid, f"runs/{self.uid}/ccd", n, ROWS, COLUMNS))

    def close(self, events):
        self.db.execute("UPDATE runs SET time_stop = ?, exit_status = 'success', num_events = ? WHERE uid = ?", (time.time(), events, self.uid))
        self.db.commit()
        self.db.close()


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*"))


def check(checks, what, result, frames):
    variables = result["variables"]
    checks.note(result["end"] and result["end"]["reason"] == "completed", f"{what}: end", result["end"])
    checks.same(f"{what}: images", variables["ccd"], np.stack([frame(n) for n in range(frames)]))
    checks.same(f"{what}: energy", variables["energy"], [np.nan if n == 3 else 280 + n / 8 for n in range(frames)])
    checks.note(variables["energy"]["written"] == [True] * frames, f"{what}: NaN is data")
    checks.same(f"{what}: numbers of the events", variables["seq_num"], np.arange(frames) + 1)
    checks.same(f"{what}: events of the images", variables["ccd.seq_num"], np.arange(frames) + 1)


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    checks = LiveChecks()
    for what, options in ARRAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            run = Run(folder, options)
            follower = Follower(o.deno, "resonance", {"database_path": str(run.path)})
            follower.follow(run.uid)
            frames = 24
            for n in range(frames):
                run.event(n)
                time.sleep(0.1)
            run.close(frames)
            check(checks, what, follower.result(run.uid), frames)
            print(f"{what}: {percentiles(follower.delays(run.uid, run.stored, 'ccd'))}")
            follower.end()
            left = [f for f in files(folder) if not f.startswith(("beam.zarr", "beam.db"))]
            checks.note(left == [], f"{what}: reading leaves nothing", left)
    sys.exit(checks.report())


if __name__ == "__main__":
    main()
