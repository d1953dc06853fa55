#!/usr/bin/env python3
"""Sync the fixtures with the real command line, download the results and hold them against the truth files.

usage: check_truth.py --compare compare_netcdf.py [--deno "npx --yes deno@2.9.6"]
Every netCDF file is compared with the truth by xarray through h5netcdf, and through netcdf4 where it has no complex
numbers; QCoDeS' own load_from_netcdf must load those made of QCoDeS runs. Prints "N passed, N failed"; exit 1 on a failure.
"""
import argparse
import importlib.util
import json
import pathlib
import shlex
import subprocess
import sys
import tarfile
import tempfile

REPO = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = REPO / "tests" / "fixtures"
QCODES_ATTRS = ["guid", "run_id", "captured_run_id", "exp_name", "sample_name", "ds_name", "run_description", "snapshot"]


class Checks:
    """Counts comparisons and prints those that fail."""

    def __init__(self, compare):
        spec = importlib.util.spec_from_file_location("compare_netcdf", compare)
        self.tool = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.tool)
        self.passed, self.failed = 0, 0

    def note(self, ok, what, detail=""):
        self.passed += ok
        self.failed += not ok
        if not ok:
            print(f"FAILED {what}: {detail}")

    def same(self, produced, truth, attrs=()):
        engines = ["h5netcdf"] if has_complex(produced) else ["h5netcdf", "netcdf4"]
        for engine in engines:
            found = self.tool.differences(produced, truth, [a for a in attrs if a], engine)
            self.note(not found, f"{truth.name} ({engine})", "; ".join(found))


def has_complex(path):
    import h5py
    with h5py.File(path) as f:
        return any(d.dtype.kind in "cV" for d in f.values() if isinstance(d, h5py.Dataset))


class Agent:
    """The command line on a state folder of its own."""

    def __init__(self, deno, home):
        self.base = [*shlex.split(deno), "run", "-A", "--quiet", str(REPO / "main.ts"), "--home", str(home)]

    def json(self, *args):
        r = subprocess.run([*self.base, *args, "--json"], capture_output=True, text=True, cwd=REPO)
        if r.returncode not in (0, 3):
            raise SystemExit(f"{args}: exit {r.returncode}\n{r.stdout}\n{r.stderr}")
        return json.loads(r.stdout)

    def sync(self, backend, **config):
        sets = [x for k, v in config.items() for x in ("--set", f"{k}={v}")]
        self.json("once", "--backend", backend, *sets, "--scope", "default")
        return {i["dataIdentifier"]: i for i in self.json("item", "list")}

    def download(self, item, to):
        return {f["name"]: pathlib.Path(f["path"]) for f in
                self.json("dataset", "download", item["datasetUUID"], "--to", str(to))}


def check_qcodes(checks, deno, database, truths, work):
    """`truths`: run id -> (truth file, attributes to compare)."""
    agent = Agent(deno, work / "home")
    items = agent.sync("qcodes", database_path=database, set_up="fridge")
    for run, (truth, attrs) in truths.items():
        item = items[str(run)]
        what = f"{database.name} run {run}"
        if item["status"] != "synchronized":
            checks.note(False, what, f"{item['status']}: {item['reason']}")
            continue
        produced = agent.download(item, work / f"run{run}")["measurement"]
        checks.same(produced, truth, attrs)
        try:
            from qcodes.dataset import load_from_netcdf
            loaded = load_from_netcdf(produced)
            checks.note(loaded.captured_run_id == run or database.name != "experiments.db", f"{what} by QCoDeS")
        except Exception as e:  # whatever QCoDeS throws is the finding
            checks.note(False, f"{what} by QCoDeS", repr(e))


def attributes(run):
    """Attributes that an old run's truth can be asked for: a guid that only the upgrade invented is not one of them."""
    if not run["truth_file"].endswith("qcodes_export.nc"):
        return []
    return [a for a in QCODES_ATTRS if a != "guid" or run["guid_in_file"]]


def check_folders(checks, deno, work):
    with tarfile.open(FIXTURES / "folderbase" / "folderbase.tar.gz") as tar:
        tar.extractall(work / "data", filter="tar")
    agent = Agent(deno, work / "home")
    items = agent.sync("folderbase", root_directory=work / "data" / "level_any", is_server_folder="false")
    for dataset, name, truth in [("csv conv", "files/data.hdf5", "csv_conv.data.nc"),
                                 ("zarr v2", "files/data.hdf5", "zarr v2.data.nc"),
                                 ("zarr v3", "files/data.hdf5", "zarr v3.data.nc"),
                                 ("zarr blosc v2", "b.hdf5", "zarr blosc v2.b.nc")]:
        files = agent.download(items[dataset], work / "out" / dataset)
        checks.same(files[name], FIXTURES / "folderbase" / "expected" / truth)


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--compare", required=True)
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    checks = Checks(o.compare)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        expected = FIXTURES / "qcodes" / "expected"
        check_qcodes(checks, o.deno, FIXTURES / "qcodes" / "experiments.db",
                     {n: (expected / f"run_{n:02d}.qcodes_export.nc", QCODES_ATTRS) for n in range(1, 29)}, work / "q")
        old = FIXTURES / "qcodes" / "old_versions"
        for database in sorted(old.glob("v*.db")):
            runs = json.loads((old / "expected" / database.stem / "runs.json").read_text())["runs"]
            truths = {r["run_id"]: (old / "expected" / r["truth_file"], attributes(r)) for r in runs if r.get("truth_file")}
            check_qcodes(checks, o.deno, database, truths, work / database.stem)
        check_folders(checks, o.deno, work / "f")
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(bool(checks.failed))


if __name__ == "__main__":
    main()
