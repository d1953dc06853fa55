#!/usr/bin/env python3
"""HDF5 files by h5py for the tests of the reader of growing files.

usage: growing_hdf5.py layouts FOLDER            every layout x version bounds x type, as closed files
       growing_hdf5.py grow FILE MODE LIBVER GZIP ROWS
          MODE inplace: appends rows and flushes each; MODE swmr: the same with a SWMR writer
          x[i] = i / 8, z[i, j] = i * 1000 + j, n[i] = 2**60 + i; prints "end" when the file is closed
"""
import sys
import time

import h5py
import numpy as np

TYPES = {"f8": "<f8", "f4": "<f4", "i1": "i1", "i2": ">i2", "i4": "<i4", "i8": "<i8", "u1": "u1", "u8": ">u8",
         "c16": "<c16", "bool": "?", "be": ">f8", "S": "S5"}
LAYOUTS = {
    "contiguous": dict(shape=(37, 11)),
    "compact": dict(shape=(3, 4)),
    "single": dict(shape=(9, 7), chunks=(9, 7)),
    "single_gzip": dict(shape=(9, 7), chunks=(9, 7), compression=4),
    "fixed": dict(shape=(50, 33), chunks=(4, 5)),
    "fixed_pages": dict(shape=(3000, 3), chunks=(1, 1)),
    "fixed_filters": dict(shape=(50, 33), chunks=(4, 5), compression=4, shuffle=True, fletcher32=True),
    "extensible": dict(shape=(700, 6), maxshape=(None, 6), chunks=(2, 4)),
    "extensible_pages": dict(shape=(30000,), maxshape=(None,), chunks=(1,)),
    "extensible_gzip": dict(shape=(500, 6), maxshape=(None, 6), chunks=(2, 4), compression=1),
    "extensible_second_axis": dict(shape=(6, 200), maxshape=(10, None), chunks=(4, 2), fletcher32=True),
    "tree": dict(shape=(100, 90), maxshape=(None, None), chunks=(3, 4)),
    "tree_filters": dict(shape=(100, 90), maxshape=(None, None), chunks=(3, 4), compression=1, shuffle=True),
    "implicit": dict(shape=(40, 30), chunks=(7, 8)),
}
LARGE = ("fixed_pages", "extensible_pages")


def values(rng, shape, dtype):
    a = rng.random(shape) * 200 - 50
    if dtype == "S5":
        return np.array([f"{int(x)}" for x in a.ravel()], dtype=dtype).reshape(shape)
    if dtype == "?":
        return a > 0
    if dtype == "<c16":
        return (a + 1j * a[::-1]).astype(dtype)
    return (np.abs(a) if "u" in dtype else a).astype(dtype)


def create(file, name, array, layout, options):
    if layout not in ("compact", "implicit"):
        return file.create_dataset(name, dtype=array.dtype, **options)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    if layout == "compact":
        plist.set_layout(h5py.h5d.COMPACT)
    else:
        plist.set_chunk(options["chunks"])
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple(options["shape"])
    dtype = h5py.h5t.py_create(array.dtype, logical=True)
    return h5py.Dataset(h5py.h5d.create(file.id, name.encode(), dtype, space, plist))


def layouts(folder):
    rng = np.random.default_rng(1)
    for libver in ("earliest", "v110", "latest"):
        for layout, options in LAYOUTS.items():
            bounds = libver if libver in ("earliest", "latest") else (libver, libver)
            with h5py.File(f"{folder}/{libver}_{layout}.h5", "w", libver=bounds) as file:
                for name, dtype in TYPES.items():
                    if layout in LARGE and name not in ("f8", "i2"):
                        continue
                    array = values(rng, options["shape"], dtype)
                    dataset = create(file, name, array, layout, options)
                    # The last chunks are never written.
                    rows = slice(None) if layout == "compact" else slice(0, int(array.shape[0] * 0.8))
                    dataset[rows] = array[rows]
                    dataset.attrs["number"] = 1.5
                if layout == "contiguous":
                    many(file)


def many(file):
    """More links and attributes than fit into headers, and texts of variable length."""
    group = file.create_group("many")
    for i in range(200):
        group.create_group(f"group {i}")
    for i in range(60):
        group.attrs[f"attribute {i}"] = f"text {i}"
    group.attrs["list"] = ["x", "yy", "zzz"]
    group.attrs["large"] = np.arange(20000.0 if len(group.attrs) and file.libver[0] != "earliest" else 10.0)
    file.create_dataset("texts", data=np.array(["a", "bb", "ü"] * 50, dtype=object), dtype=h5py.string_dtype())


def grow(path, mode, libver, gzip, rows):
    file = h5py.File(path, "w", libver=libver, locking=False)
    options = dict(compression=4, shuffle=True) if gzip == "gzip" else {}
    x = file.create_dataset("x", (0,), "f8", maxshape=(None,), chunks=(64,), fillvalue=np.nan, **options)
    z = file.create_dataset("z", (0, 20), "f8", maxshape=(None, 20), chunks=(16, 7), fillvalue=np.nan, **options)
    n = file.create_dataset("n", (0,), "i8", maxshape=(None,), chunks=(32,), fillvalue=-1, **options)
    file.flush()
    if mode == "swmr":
        file.swmr_mode = True
    print("begin", flush=True)
    for i in range(rows):
        time.sleep(0.002)
        for dataset in (x, z, n):
            dataset.resize(i + 1, axis=0)
        x[i], z[i], n[i] = i / 8, i * 1000 + np.arange(20), 2**60 + i
        file.flush()
    file.close()
    print("end", flush=True)


if sys.argv[1] == "layouts":
    layouts(sys.argv[2])
else:
    grow(*sys.argv[2:6], int(sys.argv[6]))
