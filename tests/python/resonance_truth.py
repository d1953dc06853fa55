#!/usr/bin/env python3
"""Resonance both ways: what RunWriter writes read by Python's sqlite3 and zarr, and what the agent makes of the fixtures
and of RunWriter's runs read by xarray with both engines.

usage: resonance_truth.py [--deno "npx --yes deno@2.9.6"]       prints "N passed, N failed"; exit 1 on a failure
"""
import argparse
import json
import pathlib
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import numpy
import xarray
import zarr

from check_truth import FIXTURES, REPO, Agent, Checks

ROWS, COLUMNS, FRAMES = 33, 21, 4
DTYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


class Counts(Checks):
    """The same without a comparison tool."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def equal(self, found, expected, what):
        ok = numpy.array_equal(numpy.asarray(found), numpy.asarray(expected), equal_nan=numpy.asarray(expected).dtype.kind == "f")
        self.note(ok, what, "" if ok else f"{found!r}, expected {expected!r}")


def pixels(dtype, frames=range(FRAMES)):
    n, row, column = numpy.ix_(list(frames), range(ROWS), range(COLUMNS))
    values = (31 * n + 7 * row + column) % 120
    return (values + (2**60 if dtype.endswith("int64") else 0)).astype(dtype)


def check_written(checks, path, zarr_format):
    """Database and store of resonance_write_sample.ts."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        (run,) = db.execute("SELECT * FROM runs").fetchall()
        (sample,) = db.execute("SELECT * FROM samples").fetchall()
        events = db.execute("SELECT * FROM events ORDER BY seq_num").fetchall()
        refs = db.execute("SELECT i.*, e.seq_num FROM image_refs AS i JOIN events AS e ON e.uid = i.event_uid ORDER BY i.id").fetchall()
    checks.equal([run["exit_status"], run["num_events"], sample["name"]], ["aborted", FRAMES, "PS film"], f"{path.name}: run")
    metadata = json.loads(run["metadata"])
    checks.note(metadata["gain"] != metadata["gain"] and metadata["operator"] == "AB", f"{path.name}: metadata", run["metadata"])
    checks.equal([json.loads(e["data"])["x"] for e in events], [n / 8 for n in range(FRAMES)], f"{path.name}: events")
    root = zarr.open_group(str(path.with_suffix(".zarr")), mode="r")
    checks.equal(root.metadata.zarr_format, zarr_format, f"{path.name}: format")
    for dtype in DTYPES:
        array = root[f"runs/{run['uid']}/{dtype}"]
        checks.equal(array.metadata.zarr_format, zarr_format, f"{dtype}: format")
        checks.note(array.dtype == dtype and array.chunks == (1, ROWS, COLUMNS), f"{dtype}: type and chunks", str(array.info))
        checks.equal(array[:], pixels(dtype), f"{path.name}: {dtype}")
    checks.equal(root[f"runs/{run['uid']}/sparse"][:], pixels("uint16", range(0, FRAMES, 2)), f"{path.name}: sparse")
    checks.equal(root[f"runs/{run['uid']}/empty"].shape, (2, 0, COLUMNS), f"{path.name}: images without pixels")
    wide = numpy.arange(FRAMES).reshape(-1, 1, 1) * numpy.ones((1, 1024, 700), dtype="uint32")
    checks.equal(root[f"runs/{run['uid']}/wide"][:], wide, f"{path.name}: many blocks")
    for ref in refs:
        array = root[ref["zarr_group"]]
        described = (ref["index_in_stack"] < array.shape[0], ref["shape_x"], ref["shape_y"], ref["dtype"], ref["compression_codec"])
        checks.equal(described, (True, *array.shape[1:], str(array.dtype), "blosc"), f"{path.name}: image {ref['id']}")
    checks.equal([r["seq_num"] for r in refs if r["field_name"] == "sparse"], [1, 3], f"{path.name}: events of sparse images")
    return run["uid"]


def check_appended(checks, path, uid):
    """Python can go on with a stack."""
    array = zarr.open_group(str(path.with_suffix(".zarr")), mode="a")[f"runs/{uid}/uint16"]
    array.resize((FRAMES + 1, ROWS, COLUMNS))
    array[FRAMES] = pixels("uint16", [FRAMES])[0]
    checks.equal(array[:], pixels("uint16", range(FRAMES + 1)), f"{path.name}: continued by Python")


def opened(path):
    for engine in ("h5netcdf", "netcdf4"):
        with xarray.open_dataset(path, engine=engine) as data:
            yield engine, data.load()


def check_runs(checks, agent, root, work):
    items = agent.sync("resonance", data_directory=root, set_up="BL 11")
    checks.equal(sorted({i["status"] for i in items.values()}), ["synchronized"], "all runs")
    for truth in sorted((FIXTURES / "resonance" / "expected").glob("*.json")):
        for run in json.loads(truth.read_text())["runs"]:
            what = f"{truth.stem} {run['plan_name']} {run['uid'][:8]}"
            files = agent.download(items[f"{truth.stem}.db#{run['uid']}"], work / run["uid"])
            check_run(checks, what, run, truth, files)
    return items


def check_run(checks, what, run, truth, files):
    checks.equal(json.loads(files["run"].read_text())["run"]["metadata"] == run["metadata"], True, f"{what}: metadata")
    times = {}
    for name, stream in run["streams"].items():
        events = stream["events"]
        times.update({e["seq_num"]: e["time"] for e in events})
        for engine, data in opened(files[name]):
            checks.equal(data.seq_num, [e["seq_num"] for e in events], f"{what} {name} seq_num ({engine})")
            checks.equal(data.time, numpy.array([e["time"] for e in events], dtype=float), f"{what} {name} time ({engine})")
            for field, key in stream["data_keys"].items():
                if field in run["images"]:
                    continue
                expected = numpy.array([float(e["data"].get(field, "nan")) for e in events])
                checks.equal(data[field].astype(float), expected, f"{what} {name} {field} ({engine})")
                checks.equal(data[field].attrs.get("units"), key.get("units"), f"{what} {name} {field} units ({engine})")
                checks.equal(data[field].dims, ("event",), f"{what} {name} {field} dims ({engine})")
                checks.equal(data[field].dtype == bool, key.get("dtype") == "boolean", f"{what} {name} {field} bool ({engine})")
    for field, refs in run["images"].items():
        images = numpy.load(truth.parent / f"{truth.stem}.{run['uid'][:8]}.{field}.npy")
        for engine, data in opened(files[f"images/{field}"]):
            checks.equal(data[field], images, f"{what} {field} ({engine})")
            checks.equal(data[field].dtype == images.dtype, True, f"{what} {field} type ({engine})")
            checks.equal(data[field].dims, ("frame", "row", "col"), f"{what} {field} dims ({engine})")
            checks.equal(data.seq_num, [r["seq_num"] for r in refs], f"{what} {field} seq_num ({engine})")
            checks.equal(data.time, [times[r["seq_num"]] for r in refs], f"{what} {field} time ({engine})")


def check_written_runs(checks, agent, items, written, work):
    """What the agent made of RunWriter's runs."""
    for name, uid in written.items():
        files = agent.download(items[f"{name}.db#{uid}"], work / name)
        for dtype in DTYPES:
            for engine, data in opened(files[f"images/{dtype}"]):
                checks.equal(data[dtype], pixels(dtype), f"{name} {dtype} by the agent ({engine})")
                checks.equal(data[dtype].dtype == dtype, True, f"{name} {dtype} type ({engine})")
        for engine, data in opened(files["primary"]):
            checks.equal(data.x, [n / 8 for n in range(FRAMES)], f"{name} x ({engine})")
            checks.equal(data.x_timestamp, [1000 + n for n in range(FRAMES)], f"{name} x_timestamp ({engine})")


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    checks = Counts()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        root = work / "beamtimes"
        shutil.copytree(FIXTURES / "resonance", root, ignore=shutil.ignore_patterns("expected"))
        # A store that Python began is continued in its format.
        zarr.open_group(str(root / "three.zarr"), mode="w", zarr_format=3)
        written = {}
        for name, zarr_format in (("two", 2), ("three", 3)):
            script = str(REPO / "tests" / "resonance_write_sample.ts")
            subprocess.run([*shlex.split(o.deno), "run", "-A", "--quiet", script, str(root / f"{name}.db")], check=True, cwd=REPO)
            written[name] = check_written(checks, root / f"{name}.db", zarr_format)
        agent = Agent(o.deno, work / "home")
        items = check_runs(checks, agent, root, work / "out")
        check_written_runs(checks, agent, items, written, work / "out")
        for name, uid in written.items():
            check_appended(checks, root / f"{name}.db", uid)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(bool(checks.failed))


if __name__ == "__main__":
    main()
