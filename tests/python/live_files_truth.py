#!/usr/bin/env python3
"""Quantify and Labber runs followed while they are written, against what their finished files become.

usage: live_files_truth.py [--deno "npx --yes deno@2.9.6"]       prints "N passed, N failed"; exit 1 on a failure
Where quantify-core is installed it measures itself; else a writer that does the same with xarray.
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
import threading
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parents[1]
INTERVAL = 0.25


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def note(self, ok, what, detail=""):
        self.passed += bool(ok)
        self.failed += not ok
        if not ok:
            print(f"FAILED {what}: {detail}", flush=True)


class Follower:
    """The agent's side, in a process of its own."""

    def __init__(self, deno, backend, config, root, path):
        self.messages = []
        self.child = subprocess.Popen(
            [*shlex.split(deno), "run", "-A", "--no-check", "--quiet", str(HERE / "follow_item.ts")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO)
        order = dict(backend=backend, config={**config, "set_up": "fridge"}, identifier=str(path.relative_to(root)), path=str(path))
        self.child.stdin.write(json.dumps(order) + "\n")
        self.child.stdin.flush()
        self.begun = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            self.messages.append(json.loads(line))
            self.begun.set()
        self.begun.set()

    def result(self):
        """What came of it; the writer is done."""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write("\n")
            self.child.stdin.flush()
        self.reader.join(60)
        self.child.wait(10)
        return self.messages[-1] if self.messages else {"not_live": "the follower died"}


def judge(checks, what, result, end, epochs=1, once=True):
    """`epochs`: the most there may be, since which ones are met depends on when it is looked."""
    checks.note(result.get("end", "?") == end, f"{what}: end", result)
    checks.note(result.get("differences") == [], f"{what}: values", result.get("differences", result))
    checks.note(1 <= result.get("epochs", 0) <= epochs, f"{what}: epochs", result.get("epochs"))
    checks.note(result.get("delays") == [], f"{what}: delays", result.get("delays"))
    if once:
        checks.note(result.get("rewritten") == [], f"{what}: told twice", result.get("rewritten"))


# --- Quantify --------------------------------------------------------------------------------------------------

def measure(case, root):
    """One measurement by quantify-core itself, in a process of its own."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import warnings
    warnings.filterwarnings("ignore")
    import quantify_core.data.handling as handling
    from qcodes import ManualParameter, Parameter
    from quantify_core.data import experiment
    from quantify_core.measurement import MeasurementControl

    handling.set_datadir(root)
    write = experiment.write_dataset

    def told(path, dataset):
        write(path, dataset)
        print(json.dumps({"path": str(path), "t": time.time(), "written": int(np.isfinite(dataset.y0.values).sum())}), flush=True)
    experiment.write_dataset = told

    control = MeasurementControl("control")
    control.verbose(False)
    control.update_interval(INTERVAL)
    a, b = ManualParameter("a", unit="V", initial_value=0), ManualParameter("b", unit="T", initial_value=0)
    count = 0

    def read():
        nonlocal count
        count += 1
        if case == "killed" and count > 25:
            os._exit(3)
        time.sleep(0.02)
        return np.nan if case == "nan" and count % 7 == 3 else np.sin(3 * a()) + b()
    signal = Parameter("signal", unit="mV", label="Signal", get_cmd=read)
    phase = Parameter("phase", unit="deg", label="Phase", get_cmd=lambda: float(count))
    control.gettables([signal, phase] if case == "nan" else [signal])
    if case == "adaptive":
        import adaptive
        settings = {"adaptive_function": adaptive.learner.Learner1D, "goal": lambda l: l.npoints >= 100, "bounds": (-1.0, 1.0)}
        control.settables(a)
        control.run_adaptive("adaptive", settings)
        return
    if case == "grid":
        control.settables([a, b])
        control.setpoints_grid([np.linspace(0, 1, 9), np.linspace(-1, 1, 6)])
    else:
        control.settables(a)
        control.setpoints(np.linspace(0, 1, 50))
    control.run(case, soft_avg=3 if case == "average" else 1)


def quantify(checks, deno, root):
    for case, end in dict(sweep="filled", grid="filled", average="filled", nan="filled", adaptive="filled", killed=None).items():
        data = root / f"quantify-{case}"
        data.mkdir()
        writer = subprocess.Popen([sys.executable, __file__, "--measure", case, str(data)], stdout=subprocess.PIPE, text=True)
        writes = []
        follower = None
        for line in writer.stdout:
            if not line.startswith("{"):
                continue
            writes.append(json.loads(line))
            if follower is None:
                follower = Follower(deno, "quantify", {"quantify_directory": str(data)}, data, pathlib.Path(writes[0]["path"]).parent)
        writer.wait()
        if follower is None:
            checks.note(False, f"quantify {case}", "nothing was written")
            continue
        result = follower.result()
        judge(checks, f"quantify {case}", result, end, once=case not in ("average", "adaptive"))
        # An adaptive run stores setpoints of points to come as whatever was in memory.
        late = latencies(writes, follower.messages)
        print(f"quantify {case}: {result.get('written')}, ms from write to news: {late}", flush=True)


def latencies(writes, messages):
    """Median and longest time from a write to the look that told all of it, ms; writes after which one was told."""
    found = []
    looks = [m for m in messages if "t" in m]
    for write in writes:
        later = [m["t"] for m in looks if m["written"].get("y0", 0) >= write["written"] > 0]
        earlier = [m for m in looks if m["t"] < write["t"]]
        if later and earlier:
            found.append(1000 * max(0, later[0] - write["t"]))
    return [round(v) for v in (np.median(found), max(found))] if found else None


# --- Labber ----------------------------------------------------------------------------------------------------

def labber(checks, deno, root):
    day = root / "labber/2025/01/Data_0115"
    day.mkdir(parents=True)
    cases = dict(grid=("completed", 2, None), snake=("completed", 3, None), vector=("completed", 2, None),
                 logs=("completed", 6, None), killed=(None, 2, 12))
    for case, (end, epochs, stop) in cases.items():
        path = day / f"{case}.hdf5"
        follower = Follower(deno, "labber", {"labber_directory": str(root / "labber")}, root / "labber", path)
        time.sleep(1)
        name = "grid" if case == "killed" else case
        limits = [] if stop is None else ["--stop-after", str(stop)]
        subprocess.run([sys.executable, str(HERE / "labber_live.py"), "run", name, str(path), "--pause", "0.15", *limits],
                       stdout=subprocess.DEVNULL, check=stop is None)
        result = follower.result()
        judge(checks, f"labber {case}", result, end, epochs)
        print(f"labber {case}: {result.get('written')}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--deno", default="deno")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.measure:
        measure(*o.measure)
        return
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        labber(checks, o.deno, root)
        try:
            import quantify_core  # noqa: F401
        except ImportError:
            print("quantify-core is not there: its runs are not followed")
        else:
            quantify(checks, o.deno, root)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
