#!/usr/bin/env python3
"""Sync Quantify containers with the real command line, download the results and hold them against the truth files.

usage: quantify_truth.py --compare compare_netcdf.py [--deno "npx --yes deno@2.9.6"]     (as check_truth.py)
Every file is compared by xarray through h5netcdf, and through netcdf4 where it has no complex numbers; where
quantify-core is installed, its own loader has to read each one. Prints "N passed, N failed"; exit 1 on a failure.
"""
import argparse
import pathlib
import sys
import tarfile
import tempfile

from check_truth import FIXTURES, Agent, Checks
from labber_truth import copy_aged

try:
    from quantify_core.data.handling import load_dataset_from_path
except ImportError:
    load_dataset_from_path = None

UNREADABLE = {"720897", "2f7462"}
FLAT = {"156fd0"}
DECODED = {"6c022e"}  # dataset v2: its truth keeps labels as JSON text
MATCHED = 26  # characters of a TUID


def truth_of(expected, tuid):
    names = [f"{tuid}.loaded.nc"] if tuid[-6:] in FLAT else [f"{tuid}.gridded.nc", f"{tuid}.nc"]
    return next((expected / n for n in names if (expected / n).exists()), None)


def check_containers(checks, deno, data, expected, work):
    root = work / "data"
    copy_aged(data, root)
    agent = Agent(deno, work / "home")
    items = agent.sync("quantify", quantify_directory=root, set_up="fridge")
    for path, item in items.items():
        tuid = pathlib.PurePosixPath(path).name[:MATCHED]
        status = "error" if tuid[-6:] in UNREADABLE else "synchronized"
        checks.note(item["status"] == status, path, f"{item['status']}: {item['reason']}")
        files = agent.download(item, work / "out" / tuid)
        originals = [p for p in (root / path).rglob("*") if p.is_file() and not p.name.startswith(".")]
        names = sorted(".".join(p.relative_to(root / path).parts) for p in originals)
        checks.note(sorted(files) == names, f"{path}: files", f"{sorted(files)}, expected {names}")
        if status == "error":
            checks.note(files["dataset.hdf5"].read_bytes() == (root / path / "dataset.hdf5").read_bytes(), f"{path}: bytes")
            continue
        truth = truth_of(expected, tuid)
        if truth:
            checks.same(files["dataset.hdf5"], truth, ["tuid", "name"] if "old" not in path else ["name"])
        if load_dataset_from_path and "dataset.hdf5" in files and tuid[-6:] not in DECODED:
            try:
                load_dataset_from_path(files["dataset.hdf5"])
                checks.note(True, f"{path} by quantify-core")
            except Exception as e:  # whatever it throws is the finding
                checks.note(False, f"{path} by quantify-core", repr(e))
    checks.note(len(items) > 2, "items", f"only {sorted(items)}")


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--compare", required=True)
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    checks = Checks(o.compare)
    fixtures = FIXTURES / "quantify"
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder).resolve()
        with tarfile.open(fixtures / "cases.tar.gz") as tar:
            tar.extractall(work / "cases", filter="data")
        for name, at in [("now", fixtures), ("old", fixtures / "old_layouts"), ("more", work / "cases")]:
            check_containers(checks, o.deno, at / "quantify-data", at / "expected", work / name)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(bool(checks.failed))


if __name__ == "__main__":
    main()
