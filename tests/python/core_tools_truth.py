#!/usr/bin/env python3
"""Sync the core-tools fixtures with the real command line, download the results and hold them against their truth; follow
measurements while psycopg2 writes them as core-tools does.

usage: core_tools_truth.py --compare compare_netcdf.py [--deno "npx --yes deno@2.9.6"]     (as check_truth.py)
Every measurement is compared by xarray through h5netcdf and netcdf4. Prints "N passed, N failed"; exit 1 on a failure.
"""
import argparse
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import xarray as xr

from check_truth import FIXTURES, REPO, Agent, Checks

EXPECTED = FIXTURES / "core_tools" / "expected"
ATTRS = ["title", "uuid", "id", "sample_name", "project", "setup", "set_up", "measurement_time", "completed_time",
         "metadata", "keywords", "completed", "snapshot"]
PATIENCE = 120


def start_server(deno):
    script = REPO / "tests" / "python" / "core_tools_server.ts"
    server = subprocess.Popen([*shlex.split(deno), "run", "-A", "--quiet", str(script)], cwd=REPO, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    return server, json.loads(server.stdout.readline())


def end(process):
    """With what it started: a launcher does not hand signals on."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    process.wait()


def configuration_file(config, path):
    """As core-tools' documentation writes it."""
    path.write_text(f"""setup: Fridge 1
remote_database:
    user: {config["user"]}
    password: {config["password"]}
    database: {config["dbname"]}
    address: {config["host"]}:{config["port"]}
databrowser:
    datasource: remote
""")
    return path


def check_measurements(checks, agent, items, work):
    gates = {m["id"]: m["gates"] for m in json.loads((EXPECTED / "measurements.json").read_text())}
    for n in range(1, 13):
        files = agent.download(items[str(n)], work / f"m{n}")
        checks.same(files["measurement"], EXPECTED / f"meas_{n:02d}.nc", ATTRS)
        with xr.open_dataset(files["measurement"], engine="h5netcdf") as d:
            found = json.loads(d.attrs["gates"]) if "gates" in d.attrs else None
        checks.note(found == gates[n], f"gates of {n}", found)
    checks.note(items["13"]["state"] == "not_started", "13 has not started", items["13"]["state"])


def check_pulses(checks, agent, item, work):
    path = agent.download(item, work / "pulses")["pulses"]
    sequence = json.loads((EXPECTED / "meas_07_snapshot.json").read_text())["measurement"]["sequence"]
    for engine in ("h5netcdf", "netcdf4"):
        with xr.open_dataset(path, engine=engine) as d:
            t, v = d["time_P1_baseband"].values, d["P1_baseband"].values
            for at, expected in [(50, 0), (150, 20), (230, 0), (300, -10), (450, 0)]:
                checks.note(np.interp(at, t, v) == expected, f"baseband at {at} ns ({engine})", np.interp(at, t, v))
            ns, q1 = d["time_q1_pulses"].values, d["q1_pulses"].values
            detuning = 1.02e9 - sequence["LOs"]["q1"]
            inside = (ns >= 210) & (ns < 240)
            sine = np.where(inside, 50 * np.sin(2 * np.pi * detuning * ns * 1e-9), 0)
            checks.note(np.allclose(q1, sine, atol=1e-9) and np.all(np.diff(ns) == 1), f"pulses ({engine})")
            checks.note(json.loads(d.attrs["pulses"]) == sequence, f"attribute pulses ({engine})")


class Writer:
    """A measurement that runs, written by a process of its own."""

    def __init__(self, script, config, *options):
        dsn = " ".join(f"{key}='{config[key]}'" for key in ("host", "port", "dbname", "user", "password"))
        self.process = subprocess.Popen([sys.executable, str(script), dsn, *options], text=True, stdout=subprocess.PIPE)
        self.id = str(json.loads(self.process.stdout.readline())["id"])

    @property
    def runs(self):
        return self.process.poll() is None

    def wait(self):
        self.process.stdout.read()
        self.process.wait()


def versions(agent, item):
    return len(agent.json("dataset", "show", item["datasetUUID"])["files"])


def check_grid(checks, path, shape, written, what):
    """What the live writer measures: the sum of the indices; its setpoints are the indices."""
    with xr.open_dataset(path, engine="h5netcdf") as d:
        values = d["I_sd"].values
        checks.note(values.shape == shape, f"{what}: shape", values.shape)
        expected = np.full(shape, np.nan).ravel()
        expected[:written] = np.indices(shape).sum(axis=0).ravel()[:written]
        checks.note(np.array_equal(values.ravel(), expected, equal_nan=True), f"{what}: values")


def follow_by_once(checks, agent, script, config, work):
    writer = Writer(script, config, "--shape", "8", "5", "--interval", "0.3", "--name", "by once")
    states = set()
    while writer.runs:
        agent.json("once")
        item = {i["dataIdentifier"]: i for i in agent.json("item", "list")}.get(writer.id)
        states.add(item and item["state"])
    agent.json("once")
    item = {i["dataIdentifier"]: i for i in agent.json("item", "list")}[writer.id]
    checks.note(item["status"] == "synchronized", "followed by once", item["reason"])
    checks.note(versions(agent, item) >= 2, "followed by once: seen unfinished too", states)
    check_grid(checks, agent.download(item, work / "once")["measurement"], (8, 5), 40, "followed by once")


def follow_dead(checks, agent, script, config, work):
    writer = Writer(script, config, "--shape", "6", "4", "--interval", "0.02", "--flush", "0", "--kill-after", "10",
                    "--name", "dies")
    writer.wait()
    agent.json("once")
    item = {i["dataIdentifier"]: i for i in agent.json("item", "list")}[writer.id]
    checks.note(item["status"] == "synchronized", "a writer that died", item["reason"])
    with xr.open_dataset(agent.download(item, work / "dead")["measurement"], engine="h5netcdf") as d:
        checks.note(d.attrs["completed"] == 0 and 1 <= np.isfinite(d["I_sd"].values).sum() <= 10, "a writer that died: values")


def follow_by_serve(checks, agent, script, config, work):
    serving = subprocess.Popen([*agent.base, "serve", "--port", "0"], cwd=REPO, stdout=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        writer = Writer(script, config, "--shape", "40", "5", "--interval", "0.05", "--name", "by serve")
        writer.wait()
        until = time.time() + PATIENCE
        done = False
        while not done and time.time() < until:
            item = {i["dataIdentifier"]: i for i in agent.json("item", "list")}.get(writer.id)
            if item and item["status"] == "synchronized":
                path = agent.download(item, work / f"serve{time.time()}")["measurement"]
                with xr.open_dataset(path, engine="h5netcdf") as d:
                    done = d.attrs["completed"] == 1
        checks.note(done, "followed by serve: complete in the end")
        checks.note(versions(agent, item) <= 2, "followed by serve: synchronized when it was over", versions(agent, item))
        check_grid(checks, path, (40, 5), 200, "followed by serve")
    finally:
        end(serving)


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--compare", required=True)
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    checks = Checks(o.compare)
    live = pathlib.Path(o.compare).resolve().parents[1] / "fixtures" / "live" / "live_core_tools.py"
    server, config = start_server(o.deno)
    try:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            agent = Agent(o.deno, work / "home")
            items = agent.sync("core_tools", config_file=configuration_file(config, work / "ct_config.yaml"))
            check_measurements(checks, agent, items, work)
            check_pulses(checks, agent, items["7"], work)
            for follow in (follow_by_once, follow_dead, follow_by_serve):
                follow(checks, agent, live, config, work)
    finally:
        server.stdin.close()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            end(server)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(bool(checks.failed))


if __name__ == "__main__":
    main()
