#!/usr/bin/env python3
"""Makes the Labber logs of tests/fixtures/labber_more in the layout of Labber 1.8.6, each with its truth.

usage: make_labber_cases.py FOLDER     (needs numpy, h5py, xarray, h5netcdf)
Writes FOLDER/Labber_Data/2025/01/Data_0115/<case>.hdf5, FOLDER/expected/<case>.log<n>.nc and FOLDER/expected/cases.json.
The truth is computed from the finished file by a plain numpy reference that spells out the rules: points in order of
time, a grid where these are a prefix of the product of the setpoints' values, else one row per point.
"""
import itertools
import json
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

rng = np.random.default_rng(20250115)
TEXT = h5py.string_dtype()
BOOL = np.dtype(bool)
CHANNELS = np.dtype(
    [(n, TEXT) for n in ("name", "instrument", "quantity", "unitPhys", "unitInstr")]
    + [(n, "f8") for n in ("gain", "offset", "amp", "highLim", "lowLim")]
    + [("outputChannel", TEXT), ("limit_action", TEXT), ("limit_run_script", BOOL), ("limit_script", TEXT),
       ("use_log_interval", BOOL), ("log_interval", "f8"), ("limit_run_always", BOOL)])
INTERFACE = h5py.enum_dtype(dict(GPIB=0, TCPIP=1, USB=2, PXI=3, Serial=4, VISA=5, Other=6, **{"None": 7}), basetype="i2")
INSTRUMENTS = np.dtype([("hardware", TEXT), ("version", TEXT), ("id", TEXT), ("name", TEXT), ("interface", INTERFACE),
                        ("address", TEXT), ("lock", BOOL), ("Timeout", "f8")])
STEPS = np.dtype([("channel_name", TEXT), ("step_unit", "i2"), ("wait_after", "f8"), ("equation", TEXT),
                  ("alternate_direction", BOOL)])
ITEMS = np.dtype([("range_type", "i2"), ("start", "f8"), ("stop", "f8"), ("n_pts", "i4")])
RELATIONS = np.dtype([("variable", TEXT), ("channel_name", TEXT), ("use_lookup", BOOL)])
INSTRUMENT = "Generic - GPIB: 1/2, Rack at localhost"


def write_log(group, steps, columns, logs, traces=None, units=None, completed=True, chunks=True, dtype="f8",
              fixed=(), planned=None):
    """One log. columns: (name, info, values of shape (inner, entries)); traces: name -> dict of what is stored."""
    units = units or {}
    names = list(dict.fromkeys([*steps, *fixed, *(c[0] for c in columns), *logs]))
    group["Channels"] = np.array(
        [(n, INSTRUMENT, n, units.get(n, "V"), "raw", 2.0, 1.0, 1.0, np.inf, -np.inf, "", "Nothing", False, "", False,
          1.0, False) for n in names], CHANNELS)
    group["Instruments"] = np.array([("Generic", "1.0", INSTRUMENT, "Rack", 7, "", False, 10.0)], INSTRUMENTS)
    config = group.create_group("Instrument config/" + INSTRUMENT)
    config.attrs["Installed options"] = np.array([])
    config.attrs["IQ"] = 1 + 2j
    config.attrs["Output"] = True
    config.attrs["Mode"] = "Sägezahn"
    config.attrs["Waveform"] = np.linspace(0, 1, 5)
    group["Log list"] = np.array([(n,) for n in logs], np.dtype([("channel_name", TEXT)]))
    group["Step list"] = np.array([(n, 0, 0.0, "x", False) for n in [*steps, *fixed]], STEPS)
    group.create_group("Step config")
    for n in [*steps, *fixed]:
        step = group.create_group("Step config/" + n)
        step.create_group("Optimizer").attrs["Enabled"] = False
        step["Relation parameters"] = np.array([("x", "Step values", False)], RELATIONS)
        step["Step items"] = np.array([(1, 0.0, 1.0, 3)], ITEMS)
    data = group.create_group("Data")
    data.attrs["Completed"] = completed
    data["Channel names"] = np.array([(n, i) for n, i, _ in columns], np.dtype([("name", TEXT), ("info", TEXT)]))
    inner, entries = columns[0][2].shape if columns else (1, 1)
    values = np.stack([c[2] for c in columns], axis=1) if columns else np.zeros((inner, 0, entries))
    data.create_dataset("Data", data=values.astype(dtype), chunks=chunks if values.size else None,
                        maxshape=(inner, len(columns), max(planned or entries, entries)) if values.size else None,
                        compression="gzip" if values.size else None)
    data["Time stamp"] = np.arange(float(entries))
    if traces:
        folder = group.create_group("Traces")
        count = max(t["data"].shape[2] for t in traces.values())
        folder["Time stamp"] = np.arange(float(count))
    for name, t in (traces or {}).items():
        trace = folder.create_dataset(name, data=t["data"], maxshape=(None, *t["data"].shape[1:]),
                                      chunks=True if t["data"].size else None)
        trace.attrs["complex"] = t.get("complex", False)
        trace.attrs["x, name"] = t.get("x", ("Time", "s"))[0]
        trace.attrs["x, unit"] = t.get("x", ("Time", "s"))[1]
        folder[name + "_N"] = np.array(t.get("N", [t["data"].shape[0]]), "i4")
        folder[name + "_t0dt"] = np.array(t.get("t0dt", [[0.0, 1.0]]))


def grid(values, alternate=False):
    """Columns (inner, entries) of a sweep; values: one list per step, fastest first."""
    rows = list(itertools.product(*reversed(values)))
    n = len(values[0])
    if alternate:
        rows = [r for k in range(len(rows) // n) for r in rows[k * n:(k + 1) * n][::-1 if k % 2 else 1]]
    return [np.array([float(r[-1 - k]) for r in rows]).reshape(-1, n).T for k in range(len(values))]


def noise(like):
    return rng.normal(size=like.shape)


def trace(n, columns, count):
    return rng.normal(size=(n, columns, count))


CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


@case
def three_steps(h):
    x, y, z = grid([[0, 1, 2, 3], [10, 5, 0], [-1.5, 2.5]])
    write_log(h, ["X", "Y", "Z"], [("X", "", x), ("Y", "", y), ("Z", "", z), ("R", "", noise(x))], ["R"],
              units={"R": "Ω", "Z": "T"}, chunks=(3, 2, 4))


@case
def four_steps_single_values(h):
    a, b, c, d = grid([[7], [0, 1, 2], [4], [3, 2]])
    write_log(h, list("abcd"), [("a", "", a), ("b", "", b), ("c", "", c), ("d", "", d), ("out", "", noise(a))], ["out"])


@case
def columns_not_in_step_order(h):
    x, y = grid([[0, 1, 2], [5, 6]])
    write_log(h, ["X", "Y"], [("Y", "", y), ("X", "", x), ("R", "", noise(x))], ["R"])


@case
def alternating_three_steps(h):
    x, y, z = grid([[0, 1, 2], [0, 1], [0, 1]], alternate=True)
    v = noise(x), noise(x)
    write_log(h, ["X", "Y", "Z"], [("X", "", x), ("Y", "", y), ("Z", "", z), ("S", "Real", v[0]), ("S", "Imaginary", v[1])],
              ["S"])


@case
def stopped_in_row(h):
    x, y = grid([[0, 1, 2, 3, 4], [0, 1, 2]])
    v = noise(x)
    for column in (x, y, v):
        column[2:, 2] = np.nan
    write_log(h, ["X", "Y"], [("X", "", x), ("Y", "", y), ("V", "", v)], ["V"], completed=False, planned=6)


@case
def stopped_three_steps(h):
    x, y, z = (c[:, :4].copy() for c in grid([[0, 1, 2], [0, 1, 2], [5, 6, 7]]))
    v, w = noise(x), noise(x)
    v[1:, 3] = w[1:, 3] = np.nan
    write_log(h, ["X", "Y", "Z"], [("X", "", x), ("Y", "", y), ("Z", "", z), ("V", "Real", v), ("V", "Imaginary", w)], ["V"],
              completed=False, planned=9)


@case
def complex_scalars(h):
    x, = grid([np.linspace(4e9, 5e9, 11)])
    write_log(h, ["F"], [("F", "", x), ("S11", "Real", noise(x)), ("S11", "Imaginary", noise(x)), ("P", "", noise(x)),
                         ("S21", "Real", noise(x)), ("S21", "Imaginary", noise(x))], ["S11", "P", "S21"], units={"F": "Hz", "S11": ""})


@case
def vectors_and_scalars(h):
    x, y = grid([[0, 1, 2], [0, 10]])
    write_log(h, ["X", "Y"], [("X", "", x), ("Y", "", y), ("Mean", "", noise(x))], ["Mean", "I", "Q", "Slow"], traces={
        "I": {"data": trace(5, 1, 6), "t0dt": [[1e-6, 2e-9]]},
        "Q": {"data": trace(5, 2, 6), "t0dt": [[1e-6, 2e-9]], "complex": True},
        "Slow": {"data": trace(4, 1, 6), "t0dt": [[0.5, 0.25]]},
    })


@case
def own_start_and_step(h):
    x, = grid([[1, 2, 3]])
    write_log(h, ["X"], [("X", "", x)], ["T"], traces={
        "T": {"data": trace(4, 2, 3), "complex": True, "t0dt": [[0, 1], [10, 1], [20, 2]], "x": ("Frequency", "Hz")}})


@case
def equal_start_and_step(h):
    x, = grid([[1, 2, 3]])
    write_log(h, ["X"], [("X", "", x)], ["T"], traces={
        "T": {"data": trace(4, 1, 3), "t0dt": [[3, 0.5]] * 3, "N": [4, 4, 4]}})


@case
def ragged_complex(h):
    x, = grid([[1, 2, 3]])
    data = trace(6, 2, 3)
    data[2:, :, 0] = np.nan
    write_log(h, ["X"], [("X", "", x), ("Temp", "", noise(x))], ["T", "Temp"], traces={
        "T": {"data": data, "complex": True, "N": [2, 6, 6], "t0dt": [[0, 1]]}})


@case
def shorter_than_stored(h):
    x, = grid([[1, 2]])
    data = trace(6, 1, 2)
    data[4:] = np.nan
    write_log(h, ["X"], [("X", "", x)], ["T"], traces={"T": {"data": data, "N": [4], "t0dt": [[0, 1]]}})


@case
def explicit_axes(h):
    x, = grid([[1, 2]])
    same, own = trace(3, 3, 2), trace(3, 2, 2)
    same[:, 2, :] = np.geomspace(1, 100, 3)[:, None]
    write_log(h, ["X"], [("X", "", x)], ["Same", "Own"], traces={
        "Same": {"data": same, "complex": True, "t0dt": [[0, 0]], "x": ("Frequency", "Hz")},
        "Own": {"data": own, "t0dt": [[0, 0], [0, 0]], "x": ("Current", "A")}})


@case
def stopped_traces(h):
    x, y = grid([[0, 1, 2], [0, 1]])
    write_log(h, ["X", "Y"], [("X", "", x), ("Y", "", y)], ["T"], completed=False,
              traces={"T": {"data": trace(3, 2, 5), "complex": True, "t0dt": [[0, 1e-9]]}})


@case
def slashes(h):
    x, = grid([[0, 1]])
    write_log(h, ["AWG - Amp (1/2)"], [("AWG - Amp (1/2)", "", x), ("a/b/c", "", noise(x))], ["a/b/c", "PG - Demod, Q1/Q2"],
              traces={"PG - Demod, Q1/Q2": {"data": trace(3, 1, 2), "t0dt": [[0, 1]]}}, fixed=["Trig interval (5004/5014)"])


@case
def unicode_names(h):
    x, y = grid([[0, 1], [3, 4, 5]])
    write_log(h, ["Spännung µ", "δ"], [("Spännung µ", "", x), ("δ", "", y), ("2e kanał", "", noise(x)), ("電流", "", noise(x))],
              ["2e kanał", "電流"], units={"電流": "µA", "2e kanał": "Å"})


@case
def colliding_names(h):
    x, y = grid([[0, 1], [3, 4, 5]])
    write_log(h, ["V (1)", "V [1]"], [("V (1)", "", x), ("V [1]", "", y), ("V_1", "", noise(x))], ["V_1", "V-T"],
              traces={"V-T": {"data": trace(4, 1, 6), "t0dt": [[0, 1]], "x": ("V 1", "s")}})


@case
def two_irregular(h):
    x, y = grid([[0, 1, 2], [0, 1]], alternate=True)
    write_log(h, ["X", "Y"], [("X", "", x), ("Y", "", y), ("A", "", noise(x)), ("B", "", noise(x))], ["A", "B"])


@case
def irregular_traces(h):
    x, y = grid([[0, 1, 2], [0, 1]], alternate=True)
    write_log(h, ["X", "Y"], [("X", "", x), ("Y", "", y)], ["T"],
              traces={"T": {"data": trace(2, 1, 6), "t0dt": [[1, 1]], "x": ("Frequency", "Hz")}})


@case
def repeated_setpoint(h):
    x = np.array([[0.0], [1.0], [1.0], [2.0]])
    write_log(h, ["X"], [("X", "", x), ("A", "", noise(x))], ["A"])


@case
def twelve_logs(h):
    for k in range(1, 13):
        x, = grid([np.arange(float(k))])
        write_log(h if k == 1 else h.create_group(f"Log_{k}"), ["X"], [("X", "", x), ("A", "", noise(x))], ["A"],
                  completed=k != 12)
        if k > 1:
            h[f"Log_{k}"].attrs["log_name"] = "other"


@case
def no_steps(h):
    one = np.array([[4.25]])
    write_log(h, [], [("A", "", one), ("B", "Real", one), ("B", "Imaginary", -one)], ["A", "B", "T"],
              traces={"T": {"data": trace(5, 1, 1), "t0dt": [[0, 2]]}}, fixed=["Gate"])


@case
def no_steps_repeated(h):
    write_log(h, [], [("A", "", noise(np.zeros((4, 1))))], ["A"])


@case
def only_traces(h):
    write_log(h, [], [], ["T"], traces={"T": {"data": trace(4, 2, 3), "complex": True, "t0dt": [[0, 2]]}})


@case
def only_one_trace(h):
    write_log(h, [], [], ["T"], traces={"T": {"data": trace(4, 1, 1), "t0dt": [[0, 2]]}})


@case
def nothing_measured(h):
    x, y = grid([[0, 1, 2], [0, 1]])
    write_log(h, ["X", "Y"], [("X", "", x), ("Y", "", y)], [])


@case
def no_entries_vector(h):
    write_log(h, ["X"], [("X", "", np.zeros((3, 0)))], ["T"],
              traces={"T": {"data": np.zeros((0, 1, 0)), "N": [], "t0dt": np.zeros((0, 2))}}, completed=False)


@case
def channel_without_values(h):
    x, = grid([[0, 1, 2]])
    write_log(h, ["X"], [("X", "", x), ("A", "", noise(x))], ["A", "Never"])


@case
def single_precision(h):
    x, = grid([[0, 1, 2]])
    write_log(h, ["X"], [("X", "", x), ("A", "", noise(x))], ["A"], dtype="f4")


@case
def no_tags(h):
    x, = grid([[0, 1]])
    write_log(h, ["X"], [("X", "", x), ("A", "", noise(x))], ["A"])
    del h["Tags"], h["Settings"]
    del h.attrs["creation_time"], h.attrs["log_name"]


@case
def empty_tags(h):
    x, = grid([[0, 1]])
    write_log(h, ["X"], [("X", "", x), ("A", "", noise(x))], ["A"])
    h["Tags"].attrs["Tags"] = np.array([])
    h["Tags"].attrs["Project"] = np.array([""], TEXT)
    h["Tags"].attrs["User"] = np.array(["zoë", "", "Łukasz"], TEXT)
    h.attrs["creation_time"] = 1736899200.0
    h.attrs["comment"] = "line 1\nµ-wave"
    del h.attrs["star"]


# --- reference -------------------------------------------------------------------------------------------------

def clean(name):
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_-]", "_", name))
    if name[0].isdigit():
        name = "var_" + name
    return name.strip("_") or "var"


def text(v):
    return v.decode() if isinstance(v, bytes) else v


class Names:
    def __init__(self):
        self.taken = set()

    def take(self, name):
        free, n = name, 2
        while free in self.taken:
            free, n = f"{name}_{n}", n + 1
        self.taken.add(free)
        return free


def reference(log):
    """The data set of one log as xarray holds it."""
    units = {text(r["name"]): text(r["unitPhys"]) for r in log["Channels"]}
    logs = [text(r["channel_name"]) for r in log["Log list"]]
    steps = [text(r["channel_name"]) for r in log["Step list"]]
    columns = [(text(r["name"]), text(r["info"])) for r in log["Data/Channel names"]]
    data = log["Data/Data"][()].astype("f8")
    flat = np.moveaxis(data, 1, 0).transpose(0, 2, 1)  # column, entry, inner
    flat = flat.reshape(len(columns), flat.shape[1] * flat.shape[2])
    if len(columns) and any(c not in logs for c, _ in columns) and "Traces" not in log:
        while flat.shape[1] and np.isnan(flat[:, -1]).all():
            flat = flat[:, :-1]
    sets = sorted(((c, flat[k]) for k, (c, _) in enumerate(columns) if c not in logs), key=lambda s: steps.index(s[0]))
    scalars = []
    for k, (c, info) in enumerate(columns):
        if c in logs and info == "Real":
            scalars.append((c, flat[k] + 1j * flat[k + 1]))
        elif c in logs and info != "Imaginary":
            scalars.append((c, flat[k]))
    points = flat.shape[1]
    if not columns:
        points = max((log[f"Traces/{c}"].shape[2] for c in logs), default=0)

    axes = [list(dict.fromkeys(v)) for _, v in sets]
    product = [r[::-1] for r in itertools.product(*axes[::-1])]
    rows = list(zip(*(v for _, v in sets))) if sets else [()] * points
    is_grid = points > 0 and points <= len(product) and rows == product[:points]

    names, out = Names(), xr.Dataset()
    set_ids = [names.take(clean(c)) for c, _ in sets]
    scalar_ids = [names.take(clean(c)) for c, _ in scalars]
    vectors = [c for c in logs if c not in [n for n, _ in columns] and f"Traces/{c}" in log]
    vector_ids = [names.take(clean(c)) for c in vectors]

    def label(c):
        return {"units": units[c], "long_name": c}

    def fill(values, inner=()):
        whole = np.full(len(product) * int(np.prod(inner, dtype=int)), np.nan, values.dtype)
        whole[:values.size] = values.ravel()
        return whole.reshape([len(a) for a in axes[::-1]] + list(inner))

    def grid_coords():
        for i, (c, _), a in zip(set_ids, sets, axes):
            out[i] = ((i,), np.array(a), label(c))
        return tuple(set_ids[::-1])

    def by_point(i, c, values, inner, x=None):
        dim = names.take(i + "_coords")
        for s, v in sets[::-1]:
            out.coords[names.take(clean(s) + "_irreg")] = ((dim,), np.repeat(v[:values.size // max(inner, 1)], inner), label(s))
        if x:
            out.coords[names.take(clean(x[0]) + "_irreg")] = ((dim,), x[2], {"units": x[1], "long_name": x[0]})
        out[i] = ((dim,), values, label(c))

    for i, (c, v) in zip(scalar_ids, scalars):
        if is_grid:
            dims = grid_coords()
            out[i] = (dims, fill(v), label(c))
        else:
            by_point(i, c, v, 1)
    if is_grid and not logs:
        grid_coords()
    shared = {}
    for i, c in zip(vector_ids, vectors):
        raw, ns, t0dt = (log[f"Traces/{c}{s}"] for s in ("", "_N", "_t0dt"))
        attrs, raw, ns, t0dt = raw.attrs, raw[()], ns[()], t0dt[()]
        count = raw.shape[2]
        n = int(max(ns)) if len(ns) else raw.shape[0]
        raw = raw[:n]
        values = (raw[:, 0] + 1j * raw[:, 1] if attrs["complex"] else raw[:, 0]).T  # trace, sample
        x = np.zeros((count, n))
        for k in range(count):
            t0, dt = t0dt[min(k, len(t0dt) - 1)]
            extra = 2 if attrs["complex"] else 1
            x[k] = raw[:, extra, k] if t0 == dt == 0 and raw.shape[1] > extra else t0 + dt * np.arange(n)
        regular = len(set(ns)) == 1 and (x == x[0]).all()
        xname, xunit = attrs["x, name"], attrs["x, unit"]
        if is_grid and regular:
            dims = grid_coords()
            key = (xname, xunit, tuple(x[0]))
            if key not in shared:
                shared[key] = names.take(clean(xname))
                out[shared[key]] = ((shared[key],), x[0], {"units": xunit, "long_name": xname})
            out[i] = ((*dims, shared[key]), fill(values, (n,)), label(c))
        else:
            by_point(i, c, values.ravel(), n, (xname, xunit, x.ravel()))
    return out


def main():
    root = Path(sys.argv[1])
    day, expected = root / "Labber_Data/2025/01/Data_0115", root / "expected"
    day.mkdir(parents=True)
    expected.mkdir()
    (root / "Labber_Data/Database.hdf5").write_bytes(b"")
    facts = {}
    for name, make in CASES.items():
        path = day / f"{name}.hdf5"
        with h5py.File(path, "w", libver="earliest") as h:
            h.attrs.update({"creation_time": 1736942400.123457, "log_name": name, "comment": "", "version": "1.8.6", "star": True})
            tags = h.create_group("Tags")
            tags.attrs["Project"] = np.array(["Fluxonium"], TEXT)
            tags.attrs["Tags"] = np.array(["cooldown 7"], TEXT)
            tags.attrs["User"] = np.array(["ab"], TEXT)
            settings = h.create_group("Settings")
            settings.attrs.update({"Flag": True, "Name": "Größe", "Big": np.int64(2**60), "Small": np.int32(4), "Limit": np.inf,
                                   "Missing": np.nan, "Z": 1 - 2j, "Zs": np.array([1j, 2.0]), "Empty": np.array([]),
                                   "Matrix": np.arange(6.0).reshape(2, 3), "Flags": np.array([True, False]),
                                   "Words": np.array(["a", "b"], TEXT), "One": np.array([1.5]), "Tiny": 1e-9})
            make(h)
        with h5py.File(path) as h:
            groups = [h] + [h[f"Log_{k}"] for k in range(2, 100) if f"Log_{k}" in h]
            for k, log in enumerate(groups, 1):
                reference(log).to_netcdf(expected / f"{name}.log{k}.nc", engine="h5netcdf", invalid_netcdf=False)
            facts[name] = len(groups)
    (expected / "cases.json").write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
