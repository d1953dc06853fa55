#!/usr/bin/env python3
"""Live files read by h5py while they grow (SWMR), and by xarray with both engines when they are finished.

usage: live_file_truth.py [--deno "npx --yes deno@2.9.6"]       prints "N passed, N failed"; exit 1 on a failure
"""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import h5py
import numpy
import xarray

from check_truth import REPO, Checks

ALL = {"completed", "__cursor", "__shape", "_FillValue", "long_name", "units", "_Netcdf4Dimid"}
SCALE, DATA = {"CLASS", "NAME"}, {"DIMENSION_LIST"}


class Counts(Checks):
    """The same without a comparison tool."""

    def __init__(self):
        self.passed, self.failed = 0, 0


class Model:
    """What a subscriber knows: the cells of every dataset, NaN where nothing was written."""

    def __init__(self, variables):
        self.variables = variables
        self.arrays = {name: numpy.full(v["shape"], numpy.nan) for v in variables for name in stored(v)}

    def apply(self, batch):
        for change in batch:
            variable = next(v for v in self.variables if v["name"] == change["var"])
            for name in stored(variable):
                old = self.arrays[name]
                if change["type"] == "extent":
                    shape = tuple(change["shape"])
                    self.arrays[name] = grown(old[tuple(slice(n) for n in shape)], shape)
                    continue
                end = [o + n for o, n in zip(change["offset"], change["shape"])]
                array = grown(old, tuple(numpy.maximum(old.shape, end).astype(int)) if end else ())
                index = tuple(slice(o, e) for o, e in zip(change["offset"], end))
                array[index] = expected(name, change["offset"], change["shape"])
                self.arrays[name] = array

    def differences(self, file):
        found = []
        for name, array in self.arrays.items():
            dataset = file[name]
            shape = tuple(dataset.attrs["__shape"]) if array.ndim else ()
            values = dataset[...]
            inside = values[tuple(slice(n) for n in shape)]
            if shape != array.shape or not numpy.array_equal(inside, array, equal_nan=True):
                found.append(f"{name}: {shape}, expected {array.shape}")
            if numpy.isfinite(values).sum() != numpy.isfinite(array).sum():
                found.append(f"{name}: the padding is not NaN")
        return found


def stored(variable):
    name = variable["name"]
    return [f"{name}__real", f"{name}__imag"] if variable["dtype"] == "c16" else [name]


def grown(array, shape):
    larger = numpy.full(shape, numpy.nan)
    larger[tuple(slice(n) for n in array.shape)] = array
    return larger


def expected(name, offset, shape):
    """The writer's values: digits of 10,000 per axis behind a leading 1."""
    value = numpy.ones(shape)
    for axis, (start, length) in enumerate(zip(offset, shape)):
        at = numpy.arange(start, start + length).reshape([-1 if k == axis else 1 for k in range(len(shape))])
        value = value * 10_000 + at
    return -value if name.endswith("__imag") else value


def writer(deno, folder, mode, seed, batches):
    args = [*deno, "run", "-A", "--no-check", "tests/python/live_file_writer.ts", folder, mode, str(seed), str(batches)]
    return subprocess.Popen(args, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def check_lockstep(checks, deno, seed, folder):
    """After every batch a reader sees exactly what was applied: opened anew, or (odd seeds) held open and refreshed."""
    process = writer(deno, folder, "lockstep", seed, 120)
    model = Model(json.loads(process.stdout.readline()))
    path, problems = f"{folder}/measurement.hdf5", []
    file = h5py.File(path, "r", swmr=True)
    while True:
        if seed % 2:
            for dataset in file.values():
                dataset.id.refresh()
        else:
            file.close()
            file = h5py.File(path, "r", swmr=True)
        problems += model.differences(file)
        process.stdin.write("\n")
        process.stdin.flush()
        batch = json.loads(process.stdout.readline())
        if batch == "finished":
            break
        model.apply(batch)
    file.close()
    process.wait()
    checks.note(not problems, f"seed {seed}: values and extents at any time", "; ".join(problems[:5]))
    check_layout(checks, path, seed, model)


def check_layout(checks, path, seed, model):
    """Attributes and form of platform.md 6.3, and the finished file as netCDF."""
    with h5py.File(path, "r") as file:
        problems = model.differences(file)
        for name, array in model.arrays.items():
            dataset = file[name]
            wanted = ALL - {"__cursor", "__shape", "_Netcdf4Dimid"} if array.ndim == 0 else ALL | (
                SCALE if name in "xy" else DATA)
            problems += [f"{name} has no {missing}" for missing in wanted - set(dataset.attrs)]
            # The lengths of inner axes are those of their dimensions.
            if array.shape[:1] != dataset.shape[:1] or (array.ndim < 2 and array.shape != dataset.shape):
                problems.append(f"{name}: {dataset.shape} is stored, {array.shape} is true")
            if dataset.maxshape != (None,) * array.ndim or dataset.dtype != "float64" or dataset.fillvalue == dataset.fillvalue:
                problems.append(f"{name}: {dataset.maxshape} {dataset.dtype} {dataset.fillvalue}")
            if not dataset.attrs["completed"]:
                problems.append(f"{name} is not completed")
        measured = [name for name in file if "_param_index" in file[name].attrs]
        indices = [tuple(file[name].attrs["_param_index"]) for name in measured]
        if indices != [(0, i) for i in range(len(measured))] or "x" in measured:
            problems.append(f"_param_index {indices} of {measured}")
        if file.attrs["snapshot"] != '{"station": {}}' or "_NCProperties" not in file.attrs:
            problems.append(f"attributes {dict(file.attrs)}")
    checks.note(not problems, f"seed {seed}: layout of the finished file", "; ".join(problems[:5]))
    for engine in ("h5netcdf", "netcdf4"):
        with xarray.open_dataset(path, engine=engine) as dataset:
            problems = []
            for name, array in model.arrays.items():
                # netCDF pads the shorter ones of variables that share an unlimited dimension.
                found = dataset[name].values
                inside = found[tuple(slice(n) for n in array.shape)]
                if not numpy.array_equal(inside, array, equal_nan=True) or dataset[name].attrs.get("units") != "V":
                    problems.append(f"{name} {found.shape}, expected {array.shape}")
            checks.note(not problems, f"seed {seed}: {engine}", "; ".join(problems))


def check_free(checks, deno, seed, folder):
    """A reader that looks as fast as it can at a writer that writes as fast as it can never sees a wrong value."""
    process = writer(deno, folder, "free", seed, 1500)
    variables = json.loads(process.stdout.readline())
    path, problems, looks, seen = f"{folder}/measurement.hdf5", [], 0, {}
    while process.poll() is None:
        with h5py.File(path, "r", swmr=True) as file:
            for name in [name for v in variables for name in stored(v) if v["dims"]]:
                dataset = file[name]
                shape = tuple(dataset.attrs["__shape"])
                values = dataset[tuple(slice(n) for n in shape)]
                written = numpy.isfinite(values)
                if values.shape != shape:
                    problems.append(f"{name} stores {values.shape} of {shape}")
                elif not (values == expected(name, [0] * len(shape), shape))[written].all():
                    problems.append(f"{name}: wrong values")
                if written.sum() < seen.get(name, 0):
                    problems.append(f"{name}: fewer values than before")
                seen[name] = written.sum()
        looks += 1
    checks.note(not problems and looks > 3, f"seed {seed}: {looks} looks at a fast writer", "; ".join(problems[:5]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deno", default="npx --yes deno@2.9.6")
    deno = shlex.split(parser.parse_args().deno)
    checks = Counts()
    for seed in range(1, 7):
        with tempfile.TemporaryDirectory() as folder:
            (check_lockstep if seed <= 4 else check_free)(checks, deno, seed, str(pathlib.Path(folder) / "live"))
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(checks.failed > 0)


if __name__ == "__main__":
    main()
