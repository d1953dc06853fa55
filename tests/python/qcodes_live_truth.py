#!/usr/bin/env python3
"""Runs that QCoDeS writes, followed while they are written, against what QCoDeS reads of them afterwards.

usage: qcodes_live_truth.py [--deno "npx --yes deno@2.9.6"]       prints "N passed, N failed"; exit 1 on a failure
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np

os.environ["QCODES_DISABLE_TELEMETRY"] = "1"
from qcodes.dataset import Measurement, do1d, do2d, initialise_or_create_database_at, load_by_id, load_or_create_experiment
from qcodes.parameters import Parameter, ParameterWithSetpoints
from qcodes.validators import Arrays

REPO = pathlib.Path(__file__).resolve().parents[2]


class Follower:
    """The agent's side, in a process of its own."""

    def __init__(self, deno, db):
        self.db = str(db)
        self.child = subprocess.Popen(
            [*shlex.split(deno), "run", "-A", "--no-check", "--quiet", str(REPO / "tests/python/follow_qcodes.ts")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO)
        self.results = {}

    def follow(self, run, **limits):
        self.child.stdin.write(json.dumps({"db": self.db, "run": run, **limits}) + "\n")
        self.child.stdin.flush()
        while not self.read().get("following"):
            pass

    def read(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("the follower died")
        message = json.loads(line)
        if "variables" in message:
            self.results[message["run"]] = message
        return message

    def result(self, run):
        while run not in self.results:
            self.read()
        return self.results[run]


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def note(self, ok, what, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok:
            print(f"FAILED {what}: {detail}")

    def same(self, what, result, ds, reason="completed"):
        """Every point that QCoDeS has is there once, in its order, with its setpoints."""
        self.note((result["end"] or {}).get("reason") == reason, f"{what}: end", result["end"])
        live = {v["name"]: v for v in result["variables"]}
        for name, tree in ds.get_parameter_data().items():
            measured = live[name]
            written = np.array(measured["written"], bool)
            self.equal(f"{what}: {name}", values(measured)[written], np.concatenate([np.ravel(a) for a in tree[name]])
                       if tree[name].dtype == object else np.ravel(tree[name]))
            for setpoint, found in zip(list(tree)[1:], measured["depends_on"]):
                flat = np.concatenate([np.ravel(a) for a in tree[setpoint]]) if tree[setpoint].dtype == object else np.ravel(tree[setpoint])
                self.equal(f"{what}: {setpoint} of {name}", spread(live[found], measured)[written], flat)

    def equal(self, what, found, expected):
        if expected.dtype.kind in "OUS":
            ok = list(map(str, found)) == list(map(str, expected))
        else:
            ok = found.shape == expected.shape and np.allclose(found, expected, rtol=1e-14, atol=0, equal_nan=True)
        self.note(ok, what, f"{found[:8]} ({len(found)}), expected {expected[:8]} ({len(expected)})")


def values(variable):
    if variable["dtype"] == "text":
        return np.array(variable["values"], object)
    numbers = np.array([float(v) for v in variable["values"]])
    return numbers.view(complex) if variable["dtype"] == "c16" else numbers


def spread(setpoint, measured):
    """A setpoint over all cells of a measured variable, flat."""
    shape = [setpoint["shape"][setpoint["dims"].index(d)] if d in setpoint["dims"] else 1 for d in measured["dims"]]
    whole = [slice(0, n) if n > 1 else slice(None) for n in measured["shape"]]
    return np.broadcast_to(values(setpoint).reshape(shape)[tuple(whole)], measured["shape"]).ravel()


def parameter(name, **more):
    return Parameter(name, label=name.upper(), unit="V", set_cmd=None, get_cmd=None, **more)


def measurement(exp, setpoints, measured, shapes=None, types={}, period=0.02):
    """Parameters by name; measured ones depend on all setpoints."""
    m = Measurement(exp=exp, name="live")
    m.write_period = period
    for s in setpoints:
        m.register_custom_parameter(s, paramtype=types.get(s, "numeric"))
    for p in measured:
        m.register_custom_parameter(p, setpoints=setpoints, paramtype=types.get(p, "numeric"))
    if shapes:
        m.set_shapes(shapes)
    return m


def followed(checks, follower, what, m, points, pause=0.003):
    """Writes the points while the run is followed."""
    with m.run() as saver:
        ds = saver.dataset
        follower.follow(ds.run_id)
        for k, point in enumerate(points):
            for row in point if isinstance(point, list) else [point]:
                saver.add_result(*row.items())
            if callable(pause):
                pause(k)
            elif pause:
                time.sleep(pause)
    checks.same(what, follower.result(ds.run_id), load_by_id(ds.run_id))
    return follower.result(ds.run_id)


def cases(checks, follower, exp):
    rng = np.random.default_rng(5)
    followed(checks, follower, "scalars", measurement(exp, ["x"], ["y", "z"]),
             [{"x": k / 7, "y": rng.normal(), "z": float("nan") if k % 5 == 0 else k} for k in range(200)])
    followed(checks, follower, "complex and text", measurement(exp, ["x"], ["c", "t"], types={"c": "complex", "t": "text"}),
             [{"x": k, "c": complex(k, -k), "t": f"näme {k}"} for k in range(50)])
    grid = [{"x": i / 3, "y": j / 3, "s": i * 10 + j} for i in range(12) for j in range(9)]
    found = followed(checks, follower, "grid with shape", measurement(exp, ["x", "y"], ["s"], {"s": (12, 9)}), grid)
    checks.note(found["epochs"] == 1, "grid with shape: one structure", found["epochs"])
    followed(checks, follower, "grid without shape", measurement(exp, ["x", "y"], ["s"]), grid)
    followed(checks, follower, "grid that ends early", measurement(exp, ["x", "y"], ["s"], {"s": (12, 9)}), grid[:40])
    f = np.linspace(1e9, 2e9, 101)
    traces = [{"x": k, "f": f, "s": rng.normal(size=101)} for k in range(30)]
    arrays = {"f": "array", "s": "array"}
    found = followed(checks, follower, "traces", measurement(exp, ["x", "f"], ["s"], types=arrays), traces)
    checks.note([v["shape"] for v in found["variables"] if v["name"] == "s"] == [[30, 101]], "traces: inner axis")
    followed(checks, follower, "traces with shape", measurement(exp, ["x", "f"], ["s"], {"s": (30, 101)}, arrays), traces)
    followed(checks, follower, "complex and integer traces",
             measurement(exp, ["x", "f"], ["s", "n"], types={**arrays, "n": "array"}),
             [{"x": k, "f": f, "s": rng.normal(size=101) * 1j, "n": np.arange(101)} for k in range(10)])
    followed(checks, follower, "ragged traces", measurement(exp, ["x", "f"], ["s"], types=arrays),
             [{"x": k, "f": f[:n], "s": rng.normal(size=n)} for k, n in enumerate(rng.integers(1, 90, 20))])
    followed(checks, follower, "repeated points", measurement(exp, ["x"], ["y"]),
             [{"x": k % 7, "y": k} for k in range(60)])
    followed(checks, follower, "no point", measurement(exp, ["x"], ["y"]), [])
    followed(checks, follower, "write period", measurement(exp, ["x"], ["y"], period=0.5),
             [{"x": k, "y": k} for k in range(30_000)], pause=None)
    followed(checks, follower, "pause", measurement(exp, ["x"], ["y"]),
             [{"x": k, "y": k} for k in range(20)], pause=lambda k: time.sleep(2 if k == 10 else 0.01))
    two_at_once(checks, follower, exp)
    sweeps(checks, follower, exp)
    broken_off(checks, follower, exp)


def two_at_once(checks, follower, exp):
    one, two = measurement(exp, ["x"], ["y"]), measurement(exp, ["x"], ["y"])
    with one.run() as a, two.run() as b:
        for saver in (a, b):
            follower.follow(saver.dataset.run_id)
        for k in range(150):
            a.add_result(("x", k), ("y", 2 * k))
            b.add_result(("x", -k), ("y", 3 * k))
            time.sleep(0.002)
    for saver in (a, b):
        checks.same("two at once", follower.result(saver.dataset.run_id), load_by_id(saver.dataset.run_id))


def sweeps(checks, follower, exp):
    """The loops that QCoDeS brings along; the first point begins to follow."""
    x, y = parameter("x"), parameter("y")
    f = Parameter("f", get_cmd=lambda: np.arange(5.0), vals=Arrays(shape=(5,)))
    trace = ParameterWithSetpoints("trace", get_cmd=lambda: x() + np.arange(5), vals=Arrays(shape=(5,)), setpoints=(f,))
    state = {"next": exp.last_counter}

    def read():
        if not state["following"]:
            state["following"] = True
            follower.follow(exp.last_data_set().run_id)
        return float(x() * 10 + (y() or 0))
    s = Parameter("s", get_cmd=read)
    for what, sweep in [("do1d", lambda: do1d(x, 0, 1, 21, 0.005, s, trace, show_progress=False, do_plot=False)),
                        ("do2d", lambda: do2d(x, 0, 1, 6, 0.001, y, 0, 1, 7, 0.005, s, trace, show_progress=False, do_plot=False))]:
        state["following"] = False
        ds = sweep()[0]
        checks.same(what, follower.result(ds.run_id), load_by_id(ds.run_id))


def broken_off(checks, follower, exp):
    """A writer that is killed: the run stays open, with what it had."""
    writer = subprocess.Popen([sys.executable, __file__, "--killed-writer", follower.db], stdout=subprocess.PIPE, text=True)
    run = next(int(line) for line in writer.stdout if line.strip().isdigit())
    follower.follow(run, points=40)
    writer.wait()
    checks.same("killed", follower.result(run), load_by_id(run), reason=None)


def killed_writer(db):
    initialise_or_create_database_at(db)
    m = measurement(load_or_create_experiment("live", sample_name="sample"), ["x"], ["y"])
    with m.run() as saver:
        print(saver.dataset.run_id, flush=True)
        for k in range(40):
            saver.add_result(("x", k), ("y", k))
            saver.flush_data_to_database()
            time.sleep(0.02)
        os._exit(3)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--deno", default="npx --yes deno@2.9.6")
    a.add_argument("--killed-writer")
    o = a.parse_args()
    if o.killed_writer:
        return killed_writer(o.killed_writer)
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("WAL", "DELETE"):
            db = pathlib.Path(folder) / mode / "experiments.db"
            db.parent.mkdir()
            initialise_or_create_database_at(str(db), journal_mode=mode)
            follower = Follower(o.deno, db)
            with contextlib.redirect_stdout(sys.stderr):  # QCoDeS announces every run
                cases(checks, follower, load_or_create_experiment("live", sample_name="sample"))
            follower.child.stdin.close()
            checks.note(follower.child.wait() == 0, f"{mode}: the follower")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return checks.failed > 0


if __name__ == "__main__":
    sys.exit(main())
