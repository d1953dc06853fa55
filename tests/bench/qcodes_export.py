#!/usr/bin/env python3
"""The QCoDeS side of the export benchmark.

usage: qcodes_export.py make FOLDER NAME      make one of the databases below in FOLDER/NAME.db
       qcodes_export.py export DATABASE OUT   export every run with QCoDeS, print {"seconds": s, "peak_mib": m}
Runs are set up by QCoDeS itself; their rows are inserted in bulk, in the form in which QCoDeS stores them.
"""
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QCODES_TELEMETRY", "false")
import numpy as np  # noqa: E402
from qcodes.dataset import (  # noqa: E402
    Measurement,
    initialise_or_create_database_at,
    load_by_id,
    load_or_create_experiment,
)


def run(axes, rows, count):
    """One run; `rows` yields tuples (axes..., value)."""
    m = Measurement(name=f"{count} points")
    for axis in axes:
        m.register_custom_parameter(axis, unit="V")
    m.register_custom_parameter("y", setpoints=axes, unit="A")
    with m.run(write_in_background=False) as saver:
        ds = saver.dataset
        names = ", ".join(f'"{n}"' for n in (*axes, "y"))
        marks = ", ".join("?" * (len(axes) + 1))
        with ds.conn as c:
            c.executemany(f'INSERT INTO "{ds.table_name}" ({names}) VALUES ({marks})', rows)


def line(n):
    values = np.random.default_rng(1).normal(size=n)
    run(("x",), ((i * 1e-3, float(values[i])) for i in range(n)), n)


def grid(n):
    values = np.random.default_rng(2).normal(size=n * n)
    run(("x", "y_axis"), ((i // n * 1e-3, i % n * 1e-2, float(values[i])) for i in range(n * n)), n * n)


def small(n):
    for k in range(n):
        values = np.random.default_rng(k).normal(size=101)
        run(("x",), ((i * 1e-3, float(values[i])) for i in range(101)), 101)


CASES = {
    "1-D 1e6": lambda: line(1_000_000),
    "2-D 1000x1000": lambda: grid(1000),
    "200 small runs": lambda: small(200),
    "1-D 1e5": lambda: line(100_000),
    "1-D 1e7": lambda: line(10_000_000),
}


def peak_mib():
    with open("/proc/self/status") as f:
        return next(int(s.split()[1]) / 1024 for s in f if s.startswith("VmHWM"))


def main():
    command, first, second = sys.argv[1:]
    if command == "make":
        database = Path(first) / f"{second}.db"
        initialise_or_create_database_at(str(database))
        load_or_create_experiment("bench", sample_name="none")
        CASES[second]()
        return
    initialise_or_create_database_at(first)
    start = time.perf_counter()
    run_id = 1
    while True:
        try:
            ds = load_by_id(run_id)
        except (ValueError, NameError):
            break
        ds.export("netcdf", path=second)
        run_id += 1
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_mib": peak_mib(), "runs": run_id - 1}))


if __name__ == "__main__":
    main()
