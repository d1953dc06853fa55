#!/usr/bin/env python3
"""Logs in the layout of Labber 1.8.6 that grow as Labber's do: made with room for what is planned, then appended to in place.

usage: labber_live.py make FOLDER              writes the logs that have no entry yet: FOLDER/<case>.hdf5
       labber_live.py run CASE FILE [--pause S] [--stop-after N]
                                               measures a case into FILE, one step every S seconds, and prints a JSON line
                                               for each; after N steps the process ends as if killed
A step is one point of an entry (grid, snake), one trace (vector), or what begins a log.
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from make_labber_cases import TEXT, write_log

INNER, ROWS, SAMPLES = 5, 4, 6


def root_attributes(h, name):
    h.attrs["log_name"], h.attrs["comment"], h.attrs["creation_time"] = name, "", 1736899200.0
    h.attrs["version"], h.attrs["Step dimensions"] = "1.8.6", np.array([INNER, ROWS], "i4")
    h.create_group("Settings")
    tags = h.create_group("Tags")
    for tag in ("Project", "Tags", "User"):
        tags.attrs[tag] = np.array([], TEXT)


def room(group, inner, columns, planned):
    """/Data without an entry."""
    del group["Data/Data"], group["Data/Time stamp"]
    group["Data"].create_dataset("Data", (inner, columns, 0), "f8", maxshape=(inner, columns, planned), chunks=(inner, columns, 1),
                                 compression="gzip")
    group["Data"].create_dataset("Time stamp", (0,), "f8", maxshape=(planned,), chunks=(planned,))


def scalars(group):
    one = np.zeros((INNER, 1))
    write_log(group, ["X", "Y"], [("X", "", one), ("Y", "", one), ("R", "", one), ("IQ", "Real", one), ("IQ", "Imaginary", one)],
              ["R", "IQ"], units={"R": "Ω"}, completed=False)
    room(group, INNER, 5, ROWS)


def traces(group):
    one = np.zeros((1, 1))
    write_log(group, ["P"], [("P", "", one)], ["S"], completed=False,
              traces={"S": {"data": np.zeros((SAMPLES, 2, 1)), "complex": True, "x": ("Frequency", "Hz"), "t0dt": [[5.0, 0.5]]}})
    room(group, 1, 1, ROWS)
    folder = group["Traces"]
    attrs = dict(folder["S"].attrs)
    for name in ("S", "S_N", "S_t0dt", "Time stamp"):
        del folder[name]
    folder.create_dataset("S", (SAMPLES, 2, 0), "f8", maxshape=(None, 2, ROWS), chunks=(SAMPLES, 2, 1))
    folder["S"].attrs.update(attrs)
    folder.create_dataset("S_N", (1,), "i4", maxshape=(ROWS,), data=[SAMPLES])
    folder.create_dataset("S_t0dt", (1, 2), "f8", maxshape=(ROWS, 2), data=[[5.0, 0.5]])
    folder.create_dataset("Time stamp", (0,), "f8", maxshape=(ROWS,))


def point(i, row, alternate=False):
    """X, Y, R, Re IQ, Im IQ at one point; R is NaN at some."""
    x = INNER - 1 - i if alternate and row % 2 else i
    return [x, 10.0 * row, np.nan if (i + row) % 4 == 1 else x + row / 8, np.sin(x), np.cos(row)]


def measure_points(h, group, alternate=False, completed=True):
    """Each entry gets its setpoints, then point by point what is measured."""
    data = group["Data/Data"]
    for row in range(ROWS):
        data.resize(row + 1, axis=2)
        values = np.array([point(i, row, alternate) for i in range(INNER)])
        entry = values.copy()
        entry[:, 2:] = np.nan
        for i in range(INNER):
            entry[i] = values[i]
            data[:, :, row] = entry
            group["Data"].attrs["Entries, last trace"] = np.int32(i + 1)
            h.flush()
            yield
    group["Data"].attrs["Completed"] = completed
    h.flush()


def measure_traces(h, group, completed=True):
    data, trace = group["Data/Data"], group["Traces/S"]
    for row in range(ROWS):
        trace.resize(row + 1, axis=2)
        trace[:, :, row] = np.arange(SAMPLES * 2.0).reshape(SAMPLES, 2) + 100 * row
        h.flush()
        data.resize(row + 1, axis=2)
        data[:, :, row] = row / 4
        h.flush()
        yield
    group["Data"].attrs["Completed"] = completed
    h.flush()


def grid(h):
    scalars(h)
    h.flush()
    yield
    yield from measure_points(h, h)


def snake(h):
    scalars(h)
    h.flush()
    yield
    yield from measure_points(h, h, alternate=True)


def vector(h):
    traces(h)
    h.flush()
    yield
    yield from measure_traces(h, h)


def logs(h):
    """Three logs in one file, of which the first two were stopped."""
    scalars(h)
    h.flush()
    yield
    yield from measure_points(h, h, completed=False)
    second = h.create_group("Log_2")
    traces(second)
    h.flush()
    yield
    yield from measure_traces(h, second, completed=False)
    last = h.create_group("Log_10")
    scalars(last)
    h.flush()
    yield
    yield from measure_points(h, last)


CASES = dict(grid=grid, snake=snake, vector=vector, logs=logs)


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("grid", "vector"):
        with h5py.File(folder / f"{name}.hdf5", "w") as h:
            root_attributes(h, name)
            next(CASES[name](h))


def run(case, path, pause, stop_after):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", libver="earliest") as h:
        root_attributes(h, case)
        for step, _ in enumerate(CASES[case](h)):
            print(json.dumps({"step": step, "t": time.time()}), flush=True)
            if stop_after is not None and step >= stop_after:
                os._exit(3)
            time.sleep(pause)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make").add_argument("folder", type=Path)
    running = commands.add_parser("run")
    running.add_argument("case", choices=sorted(CASES))
    running.add_argument("file", type=Path)
    running.add_argument("--pause", type=float, default=0.02)
    running.add_argument("--stop-after", type=int)
    o = parser.parse_args()
    if o.command == "make":
        make(o.folder)
    else:
        run(o.case, o.file, o.pause, o.stop_after)


if __name__ == "__main__":
    sys.exit(main())
