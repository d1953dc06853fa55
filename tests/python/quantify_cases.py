"""Makes Quantify containers and, beside them, what Quantify itself reads of them.

    python quantify_cases.py FOLDER [--large]

Writes FOLDER/quantify-data (containers) and FOLDER/expected/<tuid>.nc (the truth: to_gridded_dataset where the points
are a grid, else the dataset as loaded) and prints one line per case. The loader and to_gridded_dataset are those of
quantify-core 0.9.1 where it is installed; otherwise xarray and the same steps written out.
"""

import datetime
import itertools
import sys
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

warnings.simplefilter("ignore")
try:
    from quantify_core.data.handling import load_dataset_from_path, to_gridded_dataset
except ImportError:
    def load_dataset_from_path(path):
        return xr.load_dataset(path, engine="h5netcdf")

    def to_gridded_dataset(ds):
        names = sorted(v for v in ds.variables if v.startswith("x"))
        attrs = [ds[n].attrs for n in names]
        out = ds.set_coords(names)
        if len(names) == 1:
            for var in ds.data_vars:
                if "dim_0" in out[var].dims:
                    out = out.update({var: out[var].swap_dims({"dim_0": names[0]})})
        else:
            out = out.set_index({"dim_0": names}).unstack(dim="dim_0")
        for name, a in zip(names, attrs):
            out[name].attrs = a
        if "grid_2d" in out.attrs:
            out.attrs["grid_2d"] = False
        return out

rng = np.random.default_rng(7)
count = itertools.count()


def attrs(name, units="V", **more):
    return dict(name=name, long_name=name.capitalize(), units=units, batched=False, **more)


def grid(*axes, order="F"):
    """Setpoints of all combinations, the first the fastest."""
    return [m.ravel(order=order) for m in np.meshgrid(*axes, indexing="ij")]


def dataset(xs, ys, name, extra=None, **root):
    coords = {f"x{i}": ("dim_0", x, attrs(f"set {i}")) for i, x in enumerate(xs)}
    data = {f"y{i}": ("dim_0", y, attrs(f"get {i}", "mV")) for i, y in enumerate(ys)}
    two = len(xs) == 2
    return xr.Dataset({**data, **(extra or {})}, coords=coords, attrs=dict(
        name=name, grid_2d=two, grid_2d_uniformly_spaced=two, **{"1d_2_settables_uniformly_spaced": False}, **root))


def y(n, kind="f8"):
    if kind == "c16":
        return rng.normal(size=n) + 1j * rng.normal(size=n)
    return (rng.normal(size=n) * 100).astype(kind)


def shuffled(xs):
    p = rng.permutation(len(xs[0]))
    return [x[p] for x in xs]


def cases():
    """(name, dataset, gridded?)"""
    lin = np.linspace
    yield "one settable", dataset([lin(0, 1, 17)], [y(17), y(17)], "one settable"), True
    yield "descending", dataset([lin(5, -5, 9)], [y(9)], "d"), True
    yield "repeats", dataset([np.repeat(lin(0, 1, 5), 3)], [y(15)], "repeats"), True
    yield "int repeats", dataset([np.tile(np.arange(7), 2)], [y(14), y(14, "c16")], "allxy"), True
    yield "int32 index", dataset([np.arange(21, dtype="i4")], [y(21, "f4")], "i4"), True
    xs = [lin(0, 1, 11), ]
    xs[0][4] = np.nan
    yield "NaN setpoint of one", dataset(xs, [y(11)], "nan1"), False
    yield "two settables", dataset(grid(lin(0, 1, 5), lin(-1, 1, 4)), [y(20), y(20)], "map"), True
    yield "C order", dataset(grid(lin(0, 1, 5), lin(-1, 1, 4), order="C"), [y(20)], "C"), True
    yield "random order", dataset(shuffled(grid(lin(0, 1, 5), lin(-1, 1, 4))), [y(20, "c16")], "shuffled"), True
    yield "snake", dataset([np.concatenate([lin(0, 1, 4), lin(0, 1, 4)[::-1], lin(0, 1, 4)]), np.repeat([3., 1., 2.], 4)],
                           [y(12)], "snake"), True
    holes = y(20)
    holes[13:] = np.nan
    yield "holes in y", dataset(grid(lin(0, 1, 5), lin(-1, 1, 4)), [holes, y(20, "f4")], "stopped"), True
    xs = grid(lin(0, 1, 5), lin(-1, 1, 4))
    yield "a point missing", dataset([x[:-1] for x in xs], [y(19)], "missing"), False
    xs[0][3] = np.nan
    yield "NaN setpoint", dataset(xs, [y(20)], "nan"), False
    xs = grid(lin(0, 1, 5), lin(-1, 1, 4))
    xs[0][1], xs[1][1] = xs[0][0], xs[1][0]
    yield "a pair twice", dataset(xs, [y(20)], "twice"), False
    xs = grid(lin(0, 1, 5), lin(-1, 1, 4))
    xs[0][7] = np.nextafter(xs[0][7], 9)
    yield "last bit differs", dataset(xs, [y(20)], "bit"), False
    yield "diagonal", dataset([lin(0, 1, 6), lin(0, 2, 6)], [y(6)], "diagonal"), False
    yield "three settables", dataset(grid(lin(0, 1, 3), np.arange(4), lin(9, 7, 2)), [y(24), y(24, "i8")], "3"), True
    yield "four settables", dataset(shuffled(grid(lin(0, 1, 3), np.arange(2), lin(9, 7, 2), lin(0, 1, 5))),
                                    [y(60), y(60, "c16"), y(60)], "4"), True
    yield "one point", dataset([np.array([1.5])], [y(1)], "single"), True
    yield "one point of two", dataset([np.array([1.5]), np.array([2.5])], [y(1)], "single2"), True
    yield "one value of two", dataset([lin(0, 1, 4), np.full(4, 2.)], [y(4)], "flat axis"), True
    yield "no points", dataset([np.zeros(0)], [np.zeros(0)], "empty"), True
    yield "infinite setpoint", dataset([np.array([0., np.inf, -np.inf])], [y(3)], "inf"), True
    yield "negative zero", dataset([np.array([0., -0., 1., 1.]), np.array([0., 1., 0., 1.])], [y(4)], "-0"), True
    many = dataset([lin(0, i, 2).repeat(1) for i in range(1, 12)], [y(2)], "x10 before x2")
    yield "eleven settables", many, False
    long = dataset(grid(*[np.array([0., i]) for i in range(1, 12)]), [y(2 ** 11)], "x10 before x2")
    yield "eleven settables, grid", long, True
    d = dataset([lin(0, 1, 4)], [y(4)], "Ünïcode 数据 µV")
    d.y0.attrs.update(long_name="Größe µ", units="µV", note="données ✓")
    d.attrs.update({"clé": "värde", "list": ["a", "µ"], "numbers": np.array([1.5, 2.5]), "n": 3, "f": 0.25})
    yield "Ünïcode 数据 µV", d, True
    d = dataset([lin(0, 1, 6)], [y(6)], "deviation", extra={"y0_u": ("dim_0", np.abs(y(6)), attrs("sig_u"))})
    yield "uncertainty", d, True
    d = dataset(grid(lin(0, 1, 3), lin(0, 1, 2)), [y(6)], "2d deviation",
                extra={"y0_u": ("dim_0", np.abs(y(6)), attrs("sig_u"))})
    yield "uncertainty 2d", d, True
    d = dataset(grid(lin(0, 1, 3), lin(0, 1, 2)), [y(6)], "extra dims",
                extra={"trace": (("dim_0", "sample"), y(24).reshape(6, 4), attrs("trace")),
                       "before": (("sample", "dim_0"), y(24).reshape(4, 6), attrs("before")),
                       "both": (("sample", "dim_0", "k"), y(48).reshape(4, 6, 2), attrs("both")),
                       "other": ("sample", y(4), attrs("other"))})
    yield "further dimensions", d, True
    d = dataset([lin(0, 1, 3)], [y(3)], "extra dims 1",
                extra={"trace": (("dim_0", "sample"), y(12).reshape(3, 4), attrs("trace")),
                       "other": ("sample", y(4), attrs("other")), "scalar": ((), 2.5)})
    yield "further dimensions of one", d, True
    d = dataset(grid(lin(0, 1, 3), lin(0, 1, 2)), [y(6)], "text",
                extra={"label": ("dim_0", np.array(list("abcdéf")), attrs("label")),
                       "ok": ("dim_0", np.array([1, 0, 1, 1, 0, 0], dtype=bool), attrs("ok"))})
    yield "text and bool", d, True
    d = dataset(grid(lin(0, 1, 3), lin(0, 1, 2)), [y(6)], "not coordinates").reset_coords()
    yield "setpoints as data", d, True
    d = dataset([lin(0, 1, 3)], [y(3)], "analysis").swap_dims(dim_0="x0")
    yield "gridded already", d, False
    if "--large" in sys.argv:
        yield "large map", dataset(grid(lin(0, 1, 400), lin(-1, 1, 300)), [y(120000), y(120000, "c16")], "large"), True


def old_cases():
    """(name, dataset, gridded?, options of to_netcdf): netCDF-3 files"""
    lin = np.linspace
    old = dict(format="NETCDF3_64BIT", engine="netcdf4")
    classic = dict(format="NETCDF3_CLASSIC", engine="netcdf4")

    def like(ds, **root):
        ds.attrs = {"2D-grid": int(ds.attrs["grid_2d"]), "name": ds.attrs["name"], **root}
        for v in ds.variables.values():
            v.attrs.pop("batched", None)
        return ds
    yield "old map", like(dataset(grid(lin(0, 1, 5), lin(-1, 1, 4)), [y(20), y(20, "f4")], "old map"), xlen=5, ylen=4), True, old
    yield "old int repeats", like(dataset([np.repeat(np.arange(6, dtype="i4"), 2)], [y(12)], "old int")), True, classic
    yield "old short and byte", like(dataset([np.arange(-3, 4, dtype="i2")], [y(7, "i1"), y(7)], "old short")), True, old
    d = like(dataset(grid(lin(0, 1, 3), lin(0, 1, 2)), [y(6)], "old µ",
                     extra={"label": ("dim_0", np.array(list("abcdéf")), attrs("label"))}), value=[1.5, 2.5], f=0.5)
    d.y0.attrs.update(long_name="Größe", units="µV")
    yield "old text µV", d, True, old
    yield "old records", like(dataset(grid(lin(0, 1, 3), lin(0, 1, 2)), [y(6), y(6, "i2")], "rec",
                                      extra={"trace": (("dim_0", "sample"), y(30).reshape(6, 5), attrs("trace"))})), \
        True, dict(unlimited_dims=["dim_0"], **old)
    yield "old one record variable", xr.Dataset({"y0": ("dim_0", y(7, "i2"), attrs("y"))}, attrs={"name": "one"}), \
        False, dict(unlimited_dims=["dim_0"], **classic)
    yield "old no points", like(dataset([np.zeros(0)], [np.zeros(0)], "old empty")), True, old


def main(folder):
    start = datetime.datetime(2025, 3, 30, 1, 10, 0, 123000)
    (folder / "expected").mkdir(parents=True, exist_ok=True)
    new = ((*case, dict(engine="h5netcdf", invalid_netcdf=True)) for case in cases())
    for number, (name, ds, is_grid, options) in enumerate(itertools.chain(new, old_cases())):
        tuid = (start + datetime.timedelta(minutes=7 * number)).strftime("%Y%m%d-%H%M%S-123-") + f"{number:06x}"
        ds.attrs["tuid"] = tuid
        container = folder / "quantify-data" / tuid[:8] / (f"{tuid} {name}" if name.startswith("old") else f"{tuid}-{name}")
        container.mkdir(parents=True)
        path = container / "dataset.hdf5"
        ds.to_netcdf(path, **options)
        loaded = load_dataset_from_path(path)
        truth = to_gridded_dataset(loaded) if is_grid else loaded
        truth.encoding.clear()
        for key, variable in truth.variables.items():
            if variable.dtype == object:
                truth[key] = variable.astype(str)
        for variable in truth.variables.values():
            variable.encoding.clear()
        truth.to_netcdf(folder / "expected" / f"{tuid}.nc", engine="h5netcdf", invalid_netcdf=True)
        print(tuid, name, dict(truth.sizes))


main(Path(sys.argv[1]))
