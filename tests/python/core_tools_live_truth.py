#!/usr/bin/env python3
"""Measurements that psycopg2 writes as core-tools does, followed while they are written.

usage: core_tools_live_truth.py --compare compare_netcdf.py [--deno "npx --yes deno@2.9.6"]     (as check_truth.py)
Prints how long after a commit it was seen, and "N passed, N failed"; exit 1 on a failure.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

from core_tools_truth import end, start_server
from live_follower import Follower, LiveChecks, percentiles


class Writer:
    """A measurement that runs, written by a process of its own; its flushes as (time, points)."""

    def __init__(self, script, config, *options):
        dsn = " ".join(f"{key}='{config[key]}'" for key in ("host", "port", "dbname", "user", "password"))
        self.process = subprocess.Popen([sys.executable, str(script), dsn, *options], text=True, stdout=subprocess.PIPE)
        self.id = str(json.loads(self.process.stdout.readline())["id"])

    def flushes(self):
        messages = [json.loads(line) for line in self.process.stdout]
        self.process.wait()
        return [(m["t"], m["written"]) for m in messages if m["event"] == "flush"]


def expected(shape, written=None):
    """The sum of the indices, as far as it was written."""
    values = np.indices(shape).sum(axis=0).astype(float).ravel()
    if written is not None:
        values[written:] = np.nan
    return values.reshape(shape)


def check(checks, what, result, shape):
    variables = result["variables"]
    checks.note(result["end"] and result["end"]["reason"] == "completed", f"{what}: end", result["end"])
    checks.note(result["epochs"] == 1, f"{what}: one structure", result["epochs"])
    checks.same(f"{what}: values", variables["I_sd"], expected(shape))
    for axis, length in enumerate(shape):
        checks.same(f"{what}: v{axis}", variables[f"v{axis}"], np.arange(length, dtype=float))


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("--compare", required=True)
    cli.add_argument("--deno", default="deno")
    o = cli.parse_args()
    script = pathlib.Path(o.compare).resolve().parents[1] / "fixtures" / "live" / "live_core_tools.py"
    checks = LiveChecks()
    server, config = start_server(o.deno)
    try:
        follower = Follower(o.deno, "core_tools", config)
        runs = {(12, 10): Writer(script, config, "--shape", "12", "10", "--interval", "0.08", "--flush", "0.25"),
                (200,): Writer(script, config, "--shape", "200", "--interval", "0.05", "--flush", "0")}
        for writer in runs.values():
            follower.follow(writer.id)
        dies = Writer(script, config, "--shape", "6", "4", "--interval", "0.05", "--flush", "0", "--kill-after", "10")
        follower.follow(dies.id, until={"variable": "I_sd", "cells": 9})
        for shape, writer in runs.items():
            flushes = writer.flushes()
            check(checks, f"grid of {shape}", follower.result(writer.id), shape)
            print(f"{shape}: {len(flushes)} flushes, {percentiles(follower.delays(writer.id, flushes, 'I_sd'))}")
        result = follower.result(dies.id)
        written = sum(result["variables"]["I_sd"]["written"])
        checks.note(result["end"] is None and 9 <= written <= 10, "a writer that died", (result["end"], written))
        checks.same("a writer that died: values", result["variables"]["I_sd"], expected((6, 4), written))
        follower.end()
    finally:
        server.stdin.close()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            end(server)
    sys.exit(checks.report())


if __name__ == "__main__":
    main()
