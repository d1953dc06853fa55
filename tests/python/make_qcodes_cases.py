#!/usr/bin/env python3
"""Makes a QCoDeS database with many kinds of runs, and what QCoDeS' own netCDF export of each holds, as truth.

usage: make_qcodes_cases.py OUTPUT_FOLDER [--seed N] [--exports FOLDER]
Writes OUTPUT_FOLDER/experiments.db and OUTPUT_FOLDER/expected.json; with --exports also the netCDF files themselves.
A run that QCoDeS itself cannot export is listed with its error instead of its content. NaN is bare, complex numbers are
pairs. Needs qcodes (made with 0.58), xarray, h5netcdf, cf_xarray.
"""
import argparse
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("QCODES_TELEMETRY", "false")
from qcodes.dataset import (  # noqa: E402
    Measurement,
    initialise_or_create_database_at,
    load_by_id,
    load_or_create_experiment,
)

CASES = []


def case(name):
    """Registers a function that fills one run."""
    def register(fill):
        CASES.append((name, fill))
        return fill
    return register


def scalar(m, name, setpoints=(), paramtype="numeric", **kw):
    kw.setdefault("label", f"label of {name}")
    kw.setdefault("unit", "V")
    m.register_custom_parameter(name, setpoints=setpoints or None, paramtype=paramtype, **kw)


def sweep(axes, measured=("y",), shapes=None, values=None, points=None, paramtype="numeric"):
    """A run over the product of `axes`, or over explicit `points`."""
    def fill(rng):
        m = Measurement(name="sweep " + "x".join(axes))
        for axis in axes:
            scalar(m, axis)
        for p in measured:
            scalar(m, p, tuple(axes), paramtype=paramtype)
        if shapes:
            m.set_shapes({p: shapes for p in measured})
        with m.run(write_in_background=False) as saver:
            todo = points
            if todo is None:
                grids = np.meshgrid(*axes.values(), indexing="ij")
                todo = list(zip(*(g.ravel() for g in grids)))
            for point in todo:
                saver.add_result(*zip(axes, (float(v) for v in point)),
                                 *((p, values(rng) if values else float(rng.normal())) for p in measured))
        return saver.dataset
    return fill


def lin(a, b, n):
    return np.linspace(a, b, n)


case("3-D grid")(sweep({"a": lin(0, 0.3, 4), "b": lin(-1, 1, 3), "c": lin(1e9, 2e9, 5)}))
case("3-D grid, middle axis descending")(sweep({"a": lin(0, 1, 3), "b": lin(2, -2, 4), "c": lin(0, 1, 3)}))
case("3-D grid with a hole")(sweep(
    {"a": lin(0, 1, 3), "b": lin(0, 1, 2), "c": lin(0, 1, 2)},
    points=[(x, y, z) for x in lin(0, 1, 3) for y in lin(0, 1, 2) for z in lin(0, 1, 2) if (x, y) != (0.5, 1)]))
case("3-D grid, shapes given, a hole")(sweep(
    {"a": lin(0, 1, 3), "b": lin(0, 1, 2), "c": lin(0, 1, 2)}, shapes=(3, 2, 2),
    points=[(x, y, z) for x in lin(0, 1, 3) for y in lin(0, 1, 2) for z in lin(0, 1, 2)][:-3]))
case("shapes with too many points")(sweep(
    {"a": lin(0, 1, 3), "b": lin(0, 1, 4)}, shapes=(3, 2)))
case("shapes with too many points on a partial grid")(sweep(
    {"a": lin(0, 1, 3), "b": lin(0, 1, 4)}, shapes=(3, 2),
    points=[(x, y) for x in lin(0, 1, 3) for y in lin(0, 1, 4)][:-2]))
case("shapes complete, repeated setpoints")(sweep({"a": np.array([0, 1, 1, 2.]), "b": lin(0, 1, 3)}, shapes=(4, 3)))
case("shapes complete, 1-D with a repeated value")(sweep({"a": np.array([0, 1, 1, 2.])}, shapes=(4,)))
case("shapes given, 1-D interrupted")(sweep({"a": lin(3, 0, 4)}, shapes=(9,)))
case("snake")(sweep({"a": lin(0, 1, 4), "b": lin(0, 1, 3)},
                    points=[(x, y) for i, x in enumerate(lin(0, 1, 4)) for y in lin(0, 1, 3)[:: 1 if i % 2 else -1]]))
case("random order of a full grid")(sweep(
    {"a": lin(0, 1, 4), "b": lin(0, 1, 3)},
    points=[(x, y) for x in lin(0, 1, 4) for y in lin(0, 1, 3)][::5] + [(x, y) for i, (x, y) in enumerate(
        [(x, y) for x in lin(0, 1, 4) for y in lin(0, 1, 3)]) if i % 5]))
case("inner loop listed first")(sweep({"fast": lin(0, 1, 3), "slow": lin(5, 6, 4)},
                                      points=[(f, s) for s in lin(5, 6, 4) for f in lin(0, 1, 3)]))
case("scattered 3-D")(sweep({"a": [], "b": [], "c": []}, measured=("y", "z"),
                            points=np.random.default_rng(5).normal(size=(17, 3))))
case("duplicates in 2-D")(sweep({"a": [], "b": []}, measured=("y", "z"), points=[(0, 0), (0, 1), (0, 0), (1, 1)]))
case("duplicates in 1-D")(sweep({"a": []}, measured=("y",), points=[(0,), (1,), (0,)]))
case("one NaN setpoint, 1-D")(sweep({"a": []}, points=[(0,), (np.nan,), (1,)]))
case("NaN setpoints, 1-D")(sweep({"a": []}, points=[(0,), (np.nan,), (np.nan,)]))
case("NaN setpoint, 2-D")(sweep({"a": [], "b": []}, points=[(0, 0), (0, 1), (np.nan, 0), (1, 1)]))
case("inf setpoints")(sweep({"a": []}, points=[(np.inf,), (1,), (-np.inf,)]))
case("minus zero")(sweep({"a": [], "b": []}, points=[(-0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]))
case("random 1-D order")(sweep({"a": []}, points=[(3,), (1,), (2,), (0.5,)]))
case("one point")(sweep({"a": []}, points=[(3,)]))
case("one point, 2-D")(sweep({"a": [], "b": []}, points=[(3, 4)]))
case("no points, 2-D")(sweep({"a": [], "b": []}, points=[]))
case("no points, shapes given")(sweep({"a": [], "b": []}, points=[], shapes=(3, 2)))
case("text measured on a grid")(sweep({"a": lin(0, 1, 2), "b": lin(1, 0, 3)}, values=lambda r: "s" * int(r.integers(0, 5)) + "é",
                                      paramtype="text"))
case("text on an interrupted grid with shapes")(sweep(
    {"a": lin(0, 1, 2), "b": lin(0, 1, 3)}, values=lambda r: "t%d" % r.integers(9), paramtype="text", shapes=(2, 3),
    points=[(0, 0), (0, 0.5), (0, 1), (1, 0)]))
case("complex on an interrupted grid with shapes")(sweep(
    {"a": lin(0, 1, 2), "b": lin(0, 1, 3)}, values=lambda r: complex(r.normal(), r.normal()), paramtype="complex",
    shapes=(2, 3), points=[(0, 0), (0, 0.5), (0, 1), (1, 0)]))
case("complex scattered")(sweep(
    {"a": [], "b": []}, values=lambda r: complex(r.normal(), r.normal()), paramtype="complex",
    points=[(0, 0), (0, 0.5), (0.3, 1), (1, 0)]))
case("complex64 scalar")(sweep({"a": lin(0, 1, 3)}, values=lambda r: np.complex64(r.normal() + 1j), paramtype="complex"))
case("values that need all digits")(sweep({"a": np.array([0.1 + 0.2, 1 / 3, 1e-9 / 7, 1e15 / 7, 123456.7890123456])},
                                          values=lambda r: r.normal() * 10.0 ** r.integers(-20, 20)))
case("integers and huge numbers")(sweep({"a": np.array([1, 2 ** 53, 2 ** 60, 1e300, -1e18])}))
case("setpoints equal at 15 digits")(sweep({"a": np.array([0.1, 0.1 + 1e-17, np.nextafter(0.1, 1)])}))


def trees(layout, rows, shapes=None, name="trees", types=None):
    """A run whose parameters are given as {name: setpoints}; rows are dicts."""
    def fill(rng):
        m = Measurement(name=name)
        for p, sp in layout.items():
            scalar(m, p, tuple(sp), paramtype=(types or {}).get(p, "numeric"))
        if shapes:
            m.set_shapes(shapes)
        with m.run(write_in_background=False) as saver:
            for row in rows:
                saver.add_result(*row.items())
        return saver.dataset
    return fill


grid = [(x, y) for x in (0., 1., 2.) for y in (0., 10.)]
case("parameters that share some setpoints")(trees(
    {"a": (), "b": (), "c": (), "y1": ("a", "b"), "y2": ("a",), "y3": ("b", "c")},
    [{"a": x, "b": y, "y1": x * y} for x, y in grid] + [{"a": x, "y2": x} for x in (0., 1., 2.)]
    + [{"b": y, "c": z, "y3": y + z} for y in (0., 10., 20.) for z in (5., 4.)]))
case("outer join of three axes values")(trees(
    {"a": (), "y1": ("a",), "y2": ("a",), "y3": ("a",)},
    [{"a": x, "y1": x} for x in (5., 1., 3.)] + [{"a": x, "y2": -x} for x in (5., 1., 3.)]
    + [{"a": x, "y3": 2 * x} for x in (4., 1.)]))
case("outer join keeps the order of equal axes")(trees(
    {"a": (), "y1": ("a",), "y2": ("a",)},
    [{"a": x, "y1": x, "y2": -x} for x in (5., 1., 3.)]))
case("one parameter without rows")(trees({"a": (), "y1": ("a",), "y2": ("a",)}, [{"a": x, "y1": x} for x in (5., 1., 3.)]))
case("one parameter without rows, 2-D")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")}, [{"a": x, "b": y, "y1": x} for x, y in grid]))
case("one parameter without rows, scattered")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")}, [{"a": x, "b": y, "y1": x} for x, y in grid[:-1]]))
case("text without rows")(trees({"a": (), "y1": ("a",), "y2": ("a",)}, [{"a": x, "y1": x} for x in (5., 1.)],
                                types={"y2": "text"}))
case("outer join of grids")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")},
    [{"a": x, "b": y, "y1": x + y} for x, y in grid] + [{"a": x + 1, "b": y, "y2": x - y} for x, y in grid]))
case("outer join of multi-indexes")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")},
    [{"a": x, "b": y, "y1": x + y, "y2": x} for x, y in grid[:-1]] + [{"a": 7., "b": 8., "y2": 9.}]))
case("equal multi-indexes")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")},
    [{"a": x, "b": y, "y1": x + y, "y2": x} for x, y in grid[-2::-1]]))
case("multi-index beside a grid")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")},
    [{"a": x, "b": y, "y1": x + y} for x, y in grid] + [{"a": x, "b": y, "y2": x + y} for x, y in grid[1:]]))
case("multi-index beside one of its axes")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a",)},
    [{"a": x, "b": y, "y1": x + y} for x, y in grid[1:]] + [{"a": x, "y2": x} for x in (0., 1., 2.)]))
case("two different multi-indexes")(trees(
    {"a": (), "b": (), "c": (), "y1": ("a", "b"), "y2": ("a", "c")},
    [{"a": x, "b": y, "y1": x + y} for x, y in grid[1:]] + [{"a": x, "c": y, "y2": x + y} for x, y in grid[:-1]]))
case("duplicates, two parameters")(trees(
    {"a": (), "y1": ("a",), "y2": ("a",)}, [{"a": x, "y1": x, "y2": -x} for x in (5., 1., 5.)]))
case("duplicates, two parameters of different length")(trees(
    {"a": (), "y1": ("a",), "y2": ("a",)},
    [{"a": x, "y1": x, "y2": -x} for x in (5., 1., 5.)] + [{"a": 5., "y2": 3.}]))
case("duplicates beside unique points")(trees(
    {"a": (), "b": (), "y1": ("a",), "y2": ("b",)},
    [{"a": x, "y1": x} for x in (5., 1., 5.)] + [{"b": x, "y2": x} for x in (3., 2.)]))
case("duplicates beside unique points of one axis")(trees(
    {"a": (), "y1": ("a",), "y2": ("a",)},
    [{"a": x, "y1": x} for x in (5., 1., 5.)] + [{"a": x, "y2": x} for x in (3., 2.)]))
case("setpoints in another order")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("b", "a")},
    [{"a": x, "b": y, "y1": x + y, "y2": x - y} for x, y in grid]))
case("text setpoints")(trees(
    {"name": (), "a": (), "y1": ("name",), "y2": ("name", "a")},
    [{"name": n, "y1": float(i)} for i, n in enumerate(("zeta", "Alpha", "é"))]
    + [{"name": n, "a": x, "y2": float(x)} for n in ("zeta", "Alpha", "é") for x in (1., 0.)], types={"name": "text"}))
case("text setpoints, outer join")(trees(
    {"name": (), "y1": ("name",), "y2": ("name",)},
    [{"name": n, "y1": float(i)} for i, n in enumerate(("zeta", "Alpha", "é"))] + [{"name": "b", "y2": 1.}],
    types={"name": "text"}))
case("text measured, outer join")(trees(
    {"a": (), "y1": ("a",), "t": ("a",)},
    [{"a": x, "y1": x} for x in (0., 1., 2.)] + [{"a": x, "t": "v%g" % x} for x in (1., 3.)], types={"t": "text"}))
case("text setpoints, scattered")(trees(
    {"name": (), "a": (), "y": ("name", "a")},
    [{"name": n, "a": x, "y": float(x)} for n, x in (("q", 1.), ("p", 0.), ("q", 3.))], types={"name": "text"}))
case("complex setpoints")(trees(
    {"z": (), "y": ("z",)}, [{"z": z, "y": abs(z)} for z in (1 + 2j, 0.5 - 1j, 3j)], types={"z": "complex"}))
case("complex setpoints on a grid")(trees(
    {"z": (), "a": (), "y": ("z", "a")}, [{"z": z, "a": a, "y": abs(z)} for z in (1 + 2j, 0.5 - 1j, 3j) for a in (0., 1.)],
    types={"z": "complex"}))
case("standalone")(trees({"s": ()}, [{"s": float(x)} for x in (3, 1, 2)]))
case("standalone beside a sweep")(trees({"s": (), "a": (), "y": ("a",)},
                                        [{"s": 4.}, {"s": 5.}] + [{"a": x, "y": x} for x in (0., 1., 2.)]))
case("two standalones")(trees({"s": (), "t": ()}, [{"s": 4.}, {"s": 5.}, {"t": "only one"}], types={"t": "text"}))
case("partial shapes")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")},
    [{"a": x, "b": y, "y1": x + y} for x, y in grid[::-1]] + [{"a": x, "b": y, "y2": x + y} for x, y in grid],
    shapes={"y1": (3, 2)}))
case("shapes complete for one, interrupted for the other")(trees(
    {"a": (), "b": (), "y1": ("a", "b"), "y2": ("a", "b")},
    [{"a": x, "b": y, "y1": x + y} for x, y in grid] + [{"a": x, "b": y, "y2": x + y} for x, y in grid[:-1]],
    shapes={"y1": (3, 2), "y2": (3, 2)}))


def arrays(layout, types, rows, shapes=None):
    return trees(layout, rows, shapes=shapes, types=types, name="arrays")


f = np.linspace(4e9, 5e9, 4)
case("array, shared axis")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                  [{"p": x, "f": f, "s": x * f} for x in (0., -1., 2.)]))
case("array, descending axis")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                      [{"p": x, "f": f[::-1].copy(), "s": x * f} for x in (0., 1.)]))
case("array, moving axis")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                  [{"p": x, "f": f + x, "s": x * f} for x in (0., 1.)]))
case("array, complete shapes")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                      [{"p": x, "f": f[::-1].copy(), "s": x * f} for x in (2., 1.)], {"s": (2, 4)}))
case("array, incomplete shapes")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                        [{"p": x, "f": f[::-1].copy(), "s": x * f} for x in (2., 1.)], {"s": (3, 4)}))
case("array as the only setpoint")(arrays({"f": (), "s": ("f",)}, {"f": "array", "s": "array"}, [{"f": f, "s": 2 * f}]))
case("array as the only setpoint, twice")(arrays({"f": (), "s": ("f",)}, {"f": "array", "s": "array"},
                                                 [{"f": f, "s": 2 * f}, {"f": f + 1, "s": 3 * f}]))
x2, y2 = np.meshgrid(np.arange(3.), np.arange(2.), indexing="ij")
case("2-D arrays")(arrays({"p": (), "x": (), "y": (), "s": ("p", "x", "y")}, {"x": "array", "y": "array", "s": "array"},
                          [{"p": q, "x": x2, "y": y2, "s": x2 * y2 + q} for q in (0., 1.)]))
case("integer arrays")(arrays({"i": (), "s": ("i",)}, {"i": "array", "s": "array"},
                              [{"i": np.array([5, 3, 9]), "s": np.array([2**62, -1, 7])}]))
case("integer arrays on a grid")(arrays({"p": (), "i": (), "s": ("p", "i")}, {"i": "array", "s": "array"},
                                        [{"p": p, "i": np.array([5, 3, 9]), "s": np.array([2**62, -1, 7])} for p in (0., 1.)]))
case("small integers")(arrays({"i": (), "s": ("i",)}, {"i": "array", "s": "array"},
                              [{"i": np.array([5, 3, 9], "u2"), "s": np.array([1, -1, 7], "i1")}]))
case("bool arrays")(arrays({"i": (), "s": ("i",)}, {"i": "array", "s": "array"},
                           [{"i": np.array([5, 3, 9]), "s": np.array([True, False, True])}]))
case("float32 and complex64 arrays")(arrays({"i": (), "s": ("i",), "z": ("i",)}, {"i": "array", "s": "array", "z": "array"},
                                            [{"i": np.array([5, 3, 9], "f4"), "s": np.array([1, 2, 3], "f4"),
                                              "z": np.array([1, 2j, 3], "c8")}]))
case("complex arrays with holes")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                         [{"p": x, "f": f[: 4 - i], "s": 1j * f[: 4 - i]} for i, x in enumerate((0., 1.))],
                                         {"s": (2, 4)}))
case("integers with holes")(arrays({"p": (), "f": (), "s": ("p", "f"), "n": ("p", "f")}, {"f": "array", "s": "array", "n": "array"},
                                   [{"p": x, "f": f[: 4 - i], "s": np.arange(4 - i), "n": np.arange(4 - i).astype("i2")}
                                    for i, x in enumerate((0., 1.))], {"s": (2, 4), "n": (2, 4)}))
case("text arrays")(arrays({"i": (), "s": ("i",)}, {"i": "array", "s": "array"},
                           [{"i": np.array([5, 3]), "s": np.array(["long text", "é"])},
                            {"i": np.array([1, 2]), "s": np.array(["longer text", ""])}]))
case("ragged arrays, two axes")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"f": "array", "s": "array"},
                                       [{"p": float(n), "f": f[:n], "s": f[:n] * n} for n in (3, 1, 4)]))
case("ragged arrays, one axis")(arrays({"f": (), "s": ("f",)}, {"f": "array", "s": "array"},
                                       [{"f": np.arange(n) + 10. * n, "s": np.arange(n) * 1.} for n in (3, 2)]))
case("scalars stored as arrays")(arrays({"p": (), "s": ("p",)}, {"p": "array", "s": "array"},
                                        [{"p": np.array([x]), "s": np.array([2 * x])} for x in (3., 1.)]))
case("scalar stored as array beside an array")(arrays({"p": (), "f": (), "s": ("p", "f")}, {"p": "array", "f": "array", "s": "array"},
                                                      [{"p": np.array([x]), "f": f, "s": f * x} for x in (3., 1.)]))
case("0-d arrays")(arrays({"p": (), "s": ("p",)}, {"p": "array", "s": "array"},
                          [{"p": np.array(x), "s": np.array(2 * x)} for x in (3., 1.)]))
case("scalar measured over an array")(arrays({"f": (), "n": ("f",)}, {"f": "array"}, [{"f": f, "n": f * 2}]))
case("text setpoint with arrays")(arrays({"t": (), "f": (), "s": ("t", "f")}, {"t": "text", "f": "array", "s": "array"},
                                         [{"t": t, "f": f, "s": f} for t in ("up", "down")]))
case("array and scalar parameters together")(arrays(
    {"p": (), "f": (), "s": ("p", "f"), "temp": ("p",)}, {"f": "array", "s": "array"},
    [{"p": x, "f": f, "s": x * f, "temp": x / 2} for x in (0., 1.)]))
case("big-endian array")(arrays({"f": (), "s": ("f",)}, {"f": "array", "s": "array"},
                                [{"f": f.astype(">f8"), "s": np.arange(4, dtype=">i4")}]))


@case("inferred from a setpoint on a grid")
def _(rng):
    m = Measurement(name="inferred")
    scalar(m, "a")
    scalar(m, "b")
    m.register_custom_parameter("a_raw", basis=("a",), label="raw", unit="mV")
    scalar(m, "y", ("a", "b"))
    with m.run(write_in_background=False) as saver:
        for x, y in grid:
            saver.add_result(("a", x), ("b", y), ("a_raw", 10 * x), ("y", x + y))
    return saver.dataset


def inferred(name, shapes=None, points=grid, chain=False, from_measured=False):
    def fill(rng):
        m = Measurement(name=name)
        scalar(m, "a")
        scalar(m, "b")
        scalar(m, "y", ("a", "b"))
        m.register_custom_parameter("a_raw", basis=("y",) if from_measured else ("a",), label="raw", unit="mV")
        if chain:
            m.register_custom_parameter("a_dac", basis=("a_raw",), label="dac", unit="bits")
        if shapes:
            m.set_shapes({"y": shapes})
        with m.run(write_in_background=False) as saver:
            for x, y in points:
                extra = [("a_dac", 100 * x)] if chain else []
                saver.add_result(("a", x), ("b", y), ("a_raw", 10 * x), ("y", x + y), *extra)
        return saver.dataset
    return fill


case("inferred, scattered")(inferred("inferred", points=grid[1:]))
case("inferred, complete shapes")(inferred("inferred", shapes=(3, 2)))
case("inferred, complete shapes, chain")(inferred("inferred", shapes=(3, 2), chain=True))
case("inferred, incomplete shapes")(inferred("inferred", shapes=(3, 2), points=grid[:-1]))
case("inferred chain")(inferred("inferred", chain=True))
case("inferred from the measured parameter")(inferred("inferred", from_measured=True))
case("inferred from the measured parameter, complete shapes")(inferred("inferred", from_measured=True, shapes=(3, 2)))
case("inferred, duplicates")(inferred("inferred", points=grid + grid[:1]))


@case("metadata of many types")
def _(rng):
    ds = sweep({"a": lin(0, 1, 3)})(rng)
    for tag, value in {"text": "tiếng Việt\nline 2", "number": 1.5, "whole": 7, "big": 2**60, "flag": True, "np_float": np.float64(2.5),
                       "np_int": np.int64(-3), "empty": "", "nan": float("nan"), "inf": float("inf"), "json": json.dumps({"a": [1, None]})}.items():
        ds.add_metadata(tag, value)
    return ds


@case("names beyond ASCII")
def _(rng):
    m = Measurement(name="多値 µ-sweep\nsecond line\nthird line")
    m.register_custom_parameter("Φ_ext", label="Flux Φ/Φ₀ 😀", unit="µΩ")
    m.register_custom_parameter("größe", setpoints=("Φ_ext",), label='quotes " \\ and \t tab', unit="°C")
    with m.run(write_in_background=False) as saver:
        for x in (1., 2.):
            saver.add_result(("Φ_ext", x), ("größe", -x))
    return saver.dataset


@case("names near SQL words")
def _(rng):
    return trees({"order_": (), "values_": ("order_",)}, [{"order_": 1., "values_": 2.}])(rng)


@case("no labels")
def _(rng):
    m = Measurement(name="")
    m.register_custom_parameter("x")
    m.register_custom_parameter("y", setpoints=("x",))
    with m.run(write_in_background=False) as saver:
        for v in (1., 2.):
            saver.add_result(("x", v), ("y", -v))
    return saver.dataset


@case("many measured parameters")
def _(rng):
    return trees({"a": (), **{f"y{i}": ("a",) for i in range(12, 0, -1)}},
                 [{"a": x, **{f"y{i}": x * i for i in range(1, 13)}} for x in (2., 1.)])(rng)


@case("132 points of a grid in random order")
def _(rng):
    pts = [(x, y) for x in np.arange(12.) / 7 for y in np.arange(11.) / 3]
    rng.shuffle(pts)
    return sweep({"a": [], "b": []}, points=pts)(rng)


def plain(value):
    """An array or attribute as JSON can hold it."""
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.ravel()]
    if isinstance(value, np.generic):
        value = value.item()
    return [value.real, value.imag] if isinstance(value, complex) else value


def content(path):
    """Variables and attributes of a netCDF file, without the text of local times."""
    import xarray as xr
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as ds:
        return {
            "variables": {
                name: {"dims": list(v.dims), "kind": {"U": "text", "O": "text", "T": "text"}.get(v.dtype.kind, str(v.dtype)),
                       "coordinate": name in ds.coords, "values": plain(v.values),
                       "attrs": {k: plain(a) for k, a in v.attrs.items()}}
                for name, v in ds.variables.items()
            },
            "attrs": {k: plain(a) for k, a in ds.attrs.items() if k not in ("run_timestamp", "completed_timestamp")},
        }


def main():
    cli = argparse.ArgumentParser()
    cli.add_argument("output", type=Path)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--exports", type=Path)
    o = cli.parse_args()
    o.output.mkdir(parents=True, exist_ok=True)
    if o.exports:
        o.exports.mkdir(parents=True, exist_ok=True)
    db = Path(tempfile.mkdtemp()) / "experiments.db"
    rng = np.random.default_rng(o.seed)
    initialise_or_create_database_at(str(db))
    load_or_create_experiment("cases", sample_name="a sample")
    facts = []
    for name, fill in CASES:
        try:
            run = fill(rng).run_id
        except Exception as e:  # a kind that QCoDeS refuses to store is no case
            print(f"not stored: {name}: {e!r}"[:200])
            continue
        ds = load_by_id(run)
        fact = {"run_id": run, "kind": name}
        try:
            with tempfile.TemporaryDirectory() as folder:
                ds._export_as_netcdf(Path(folder), "x.nc")
                fact.update(content(Path(folder) / "x.nc"))
                if o.exports:
                    shutil.copy(Path(folder) / "x.nc", o.exports / f"run_{run:03d}.nc")
        except Exception as e:
            fact["export_error"] = f"{type(e).__name__}: {e}"[:300]
        ds.conn.close()
        facts.append(fact)
    lines = ",\n".join(json.dumps(fact, ensure_ascii=False, separators=(",", ":")) for fact in facts)
    (o.output / "expected.json").write_text(f"[\n{lines}\n]\n")
    compact = o.output / "experiments.db"
    compact.unlink(missing_ok=True)
    with sqlite3.connect(db) as c:
        c.execute("VACUUM INTO ?", (str(compact),))
    with sqlite3.connect(compact) as c:
        c.execute("PRAGMA page_size=512")
        c.execute("VACUUM")
    shutil.rmtree(db.parent, ignore_errors=True)


if __name__ == "__main__":
    main()
