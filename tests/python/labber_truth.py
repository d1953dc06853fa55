#!/usr/bin/env python3
"""Sync the Labber fixtures with the real command line, download the results and hold them against their truth.

usage: labber_truth.py --compare compare_netcdf.py [--deno "npx --yes deno@2.9.6"]     (as check_truth.py)
Every log is compared by xarray through h5netcdf, and through netcdf4 where it has no complex numbers; the original
must be downloaded byte for byte. Prints "N passed, N failed"; exit 1 on a failure.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

from check_truth import FIXTURES, Agent, Checks

UNREADABLE = {"empty_live", "truncated"}
DAY_AGO = 86_400


def copy_aged(source, to):
    """A copy whose files rest since a day: fresh ones are waited for."""
    shutil.copytree(source, to)
    for path in to.rglob("*"):
        os.utime(path, times=(path.stat().st_atime - DAY_AGO, path.stat().st_mtime - DAY_AGO))


def check_labber(checks, deno, fixture, work):
    root = work / "data"
    copy_aged(fixture / "Labber_Data", root)
    agent = Agent(deno, work / "home")
    items = agent.sync("labber", labber_directory=root, set_up="fridge")
    truths = {}
    for truth in sorted((fixture / "expected").glob("*.nc")):
        name, number = truth.stem.rsplit(".log", 1)
        truths.setdefault(name, {})[int(number)] = truth
    for path, item in items.items():
        name = pathlib.PurePosixPath(path).stem
        status = "error" if name in UNREADABLE else "synchronized"
        checks.note(item["status"] == status, path, f"{item['status']}: {item['reason']}")
        files = agent.download(item, work / "out" / name)
        checks.note(files["original"].read_bytes() == (root / path).read_bytes(), f"{path}: original")
        for number, truth in truths.pop(name, {}).items():
            logs = [f for f in files if f.startswith("ds_converted")]
            produced = files.get("ds_converted" if len(logs) == 1 else f"ds_converted_{number}")
            if produced:
                checks.same(produced, truth)
            checks.note(produced is not None, f"{path}: log {number}")
        if name not in UNREADABLE:
            for part in ("settings", "instruments"):
                json.loads(files[part].read_text(encoding="utf-8"), parse_constant=lambda c: sys.exit(f"{path}: bare {c}"))
    checks.note(not truths, "all logs", f"no items for {sorted(truths)}")


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--compare", required=True)
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    checks = Checks(o.compare)
    with tempfile.TemporaryDirectory() as folder:
        for fixture in ("labber", "labber_more"):
            check_labber(checks, o.deno, FIXTURES / fixture, pathlib.Path(folder) / fixture)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(bool(checks.failed))


if __name__ == "__main__":
    main()
