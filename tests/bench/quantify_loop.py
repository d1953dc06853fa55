"""The script a lab would write: every container's dataset.hdf5 loaded by xarray, gridded, and written as netCDF.

    python quantify_loop.py make FOLDER COUNT     makes COUNT containers of about 20 kB
    python quantify_loop.py convert FOLDER OUT    converts them; prints {"seconds", "peak_mib", "containers"}
"""

import datetime
import json
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

warnings.simplefilter("ignore")

def make(folder, count):
    first = None
    start = datetime.datetime(2024, 1, 1)
    for i in range(count):
        tuid = (start + datetime.timedelta(minutes=5 * i)).strftime("%Y%m%d-%H%M%S-000-") + f"{i:06d}"
        container = folder / tuid[:8] / f"{tuid}-map {i}"
        container.mkdir(parents=True)
        path = container / "dataset.hdf5"
        if first is None:
            x0, x1 = (m.ravel(order="F") for m in np.meshgrid(np.linspace(0, 1, 20), np.linspace(-1, 1, 15), indexing="ij"))
            at = lambda name: dict(name=name, long_name=name, units="V", batched=False)
            y = np.random.default_rng(1).normal(size=(2, 300))
            xr.Dataset({"y0": ("dim_0", y[0], at("I")), "y1": ("dim_0", y[1], at("Q"))},
                       coords={"x0": ("dim_0", x0, at("P1")), "x1": ("dim_0", x1, at("P2"))},
                       attrs=dict(tuid=tuid, name="map", grid_2d=True, grid_2d_uniformly_spaced=True, xlen=20, ylen=15),
                       ).to_netcdf(path, engine="h5netcdf", invalid_netcdf=True)
            first = path.read_bytes()
        # A few bytes of each differ, as those of measurements do.
        at = first.find(y[0].tobytes())
        path.write_bytes(first[:at] + np.random.default_rng(i).normal(size=300).tobytes() + first[at + 2400:])
        (container / "snapshot.json").write_text(json.dumps({"instruments": {"n": i}, "parameters": {}}))
    print(json.dumps({"bytes": len(first)}))


def convert(folder, out):
    start = time.perf_counter()
    count = 0
    for path in sorted(folder.glob("*/*/dataset.hdf5")):
        ds = xr.load_dataset(path, engine="h5netcdf")
        names = sorted(v for v in ds.variables if v.startswith("x"))
        attrs = [ds[n].attrs for n in names]
        ds = ds.set_index(dim_0=names).unstack("dim_0")
        for name, a in zip(names, attrs):
            ds[name].attrs = a
        ds.attrs["grid_2d"] = False
        for v in ds.variables.values():
            v.encoding.clear()
        ds.to_netcdf(out / f"{path.parent.name}.nc", engine="h5netcdf", invalid_netcdf=True)
        count += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_mib": peak, "containers": count}))
    shutil.rmtree(out)


if sys.argv[1] == "make":
    make(Path(sys.argv[2]), int(sys.argv[3]))
else:
    convert(Path(sys.argv[2]), Path(sys.argv[3]))
