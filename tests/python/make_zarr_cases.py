#!/usr/bin/env python3
"""Makes the Zarr stores of tests/fixtures/zarr/cases.tar.gz with zarr-python 3, each with its truth.

usage: make_zarr_cases.py FOLDER && tar czf cases.tar.gz -C FOLDER .     (needs zarr >= 3.1, numcodecs, xarray, h5netcdf)
For each case: <case>.zarr and truth/<case>.json, a list of {path, dtype, shape, values} as zarr-python reads them back,
with values in C order (integers as text, complex as [re, im], NaN and infinities as text). The stores that xarray
wrote have truth/<case>.nc, written by xarray from what it reads of the store.
"""
import json
import shutil
import sys
import warnings
from pathlib import Path

import numcodecs
import numpy as np
import xarray as xr
import zarr
from zarr import codecs as c

warnings.simplefilter("ignore")
rng = np.random.default_rng(7)


def plain(v):
    if isinstance(v, (bool, np.bool_)):
        return int(v)
    if isinstance(v, (bytes, np.bytes_)):
        return v.decode()
    if isinstance(v, (np.datetime64, np.timedelta64)):
        return str(v.astype("i8"))
    if isinstance(v, (int, np.integer)):
        return str(int(v))
    if isinstance(v, (complex, np.complexfloating)):
        return [plain(v.real), plain(v.imag)]
    if isinstance(v, (float, np.floating)):
        return float(v) if np.isfinite(v) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(float(v))]
    return str(v)


def truth(node, path=""):
    if isinstance(node, zarr.Array):
        a = np.asarray(node[...])
        return [{"path": path, "dtype": str(a.dtype), "shape": list(a.shape), "values": [plain(x) for x in a.ravel()]}]
    return [t for name, child in sorted(node.members()) for t in truth(child, f"{path}/{name}".strip("/"))]


def put(group, name, data, **kw):
    data = np.asarray(data)
    kw.setdefault("chunks", tuple(max(1, (n + 1) // 2) for n in data.shape))
    a = group.create_array(name, shape=data.shape, dtype=kw.pop("dtype", data.dtype), **kw)
    if data.size:
        a[...] = data
    return a


def case_v3_codecs(g):
    d = rng.normal(size=(5, 7)).round(3)
    put(g, "plain", d, compressors=None)
    put(g, "zstd", d, compressors=c.ZstdCodec(level=3, checksum=True))
    put(g, "gzip", d, compressors=c.GzipCodec(level=5))
    for name in ("lz4", "lz4hc", "blosclz", "zlib", "zstd"):
        put(g, f"blosc_{name}", d, compressors=c.BloscCodec(cname=name, shuffle="bitshuffle" if name == "zstd" else "shuffle"))
    put(g, "crc32c", d, compressors=[c.ZstdCodec(), c.Crc32cCodec()])
    put(g, "big_endian", d, serializer=c.BytesCodec(endian="big"))
    put(g, "transposed", d, filters=c.TransposeCodec(order=(1, 0)))
    put(g, "transposed_3d", rng.integers(0, 99, (3, 4, 5)), filters=c.TransposeCodec(order=(2, 0, 1)), compressors=c.GzipCodec())
    put(g, "dotted_keys", d, chunk_key_encoding={"name": "default", "separator": "."})
    put(g, "v2_keys", d, chunk_key_encoding={"name": "v2", "separator": "."})
    put(g, "numcodecs_lz4", d, compressors=zarr.codecs.numcodecs.LZ4())
    put(g, "numcodecs_zlib", d, compressors=zarr.codecs.numcodecs.Zlib())
    put(g, "numcodecs_shuffle", d, compressors=[zarr.codecs.numcodecs.Shuffle(elementsize=8), c.ZstdCodec()])


def case_v3_shards(g):
    d = rng.integers(-1000, 1000, (9, 10))
    put(g, "shards", d, chunks=(2, 3), shards=(4, 6))
    put(g, "start", d, chunks=(2, 3), shards={"shape": (4, 6), "index_location": "start"})
    a = put(g, "holes", np.full((8, 8), 5), chunks=(2, 2), shards=(4, 4), fill_value=5)
    a[0, 0], a[7, 7] = 1, 2
    put(g, "complex", d + 1j * d, chunks=(2, 3), shards=(4, 6), fill_value=complex(1, -2))[6:, 6:]
    put(g, "text", np.array([f"t{i}µ" for i in range(10)], dtype="T"), dtype=str, chunks=(2,), shards=(6,))


def case_v3_types(g):
    for t in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        info = np.iinfo(t)
        put(g, t, np.array([info.min, 0, 1, info.max], dtype=t))
    for t in ("f2", "f4", "f8"):
        put(g, t, np.array([0, -0.5, 1.5, np.nan, np.inf, -np.inf], dtype=t))
    put(g, "c8", np.array([1 + 2j, complex(np.nan, 1), 0], dtype="c8"))
    put(g, "c16", np.array([[1 + 2j, -3.5j], [0, 4]]), filters=c.TransposeCodec(order=(1, 0)))
    put(g, "c16_big", np.array([1 + 2j, -3.5j, 0]), serializer=c.BytesCodec(endian="big"))
    put(g, "bool", np.array([True, False, True]))
    put(g, "text", np.array(["a", "", "µm 数据", "longer text"], dtype="T"), dtype=str)
    put(g, "fixed_text", np.array(["a", "", "µm", "数"], dtype="<U3"))
    put(g, "fixed_bytes", np.array([b"a", b"", b"xyz"], dtype="S3"))
    put(g, "datetime", np.array(["2024-01-01T00:00:00.5", "NaT"], dtype="M8[ms]"))
    put(g, "timedelta", np.array([5, -7], dtype="m8[s]"))
    put(g, "scalar", np.array(3.25))
    put(g, "scalar_text", np.array("one", dtype="T"), dtype=str)
    put(g, "empty", np.zeros((0, 3)))


def case_v3_missing(g):
    def sparse(name, dtype, fill, value):
        a = g.create_array(name, shape=(4, 4), chunks=(2, 2), dtype=dtype, fill_value=fill)
        a[0, 0] = value
    sparse("f8", "f8", 1.5, 9)
    sparse("nan", "f8", np.nan, 9)
    sparse("inf", "f4", -np.inf, 9)
    sparse("i8", "i8", -(2**63), 2**62 + 1)
    sparse("u1", "u1", 7, 9)
    sparse("bool", "bool", True, False)
    sparse("c16", "c16", complex(np.nan, 2), 1j)
    sparse("text", str, "none", "x")


def case_v3_groups(g):
    g.attrs.update({"title": "groups", "n": 3, "half": 0.5, "yes": True, "list": [1, 2.5, "x"], "map": {"a": {"b": [1]}}})
    sub = g.create_group("runs/a1", attributes={"operator": "Åsa"})
    put(sub, "image", rng.integers(0, 9, (3, 4, 5)), dimension_names=("frame", "row", None), attributes={"units": "counts"})
    put(sub, "frame", np.arange(3), dimension_names=("frame",))
    put(g.create_group("empty group"), "x y", np.arange(4.0))
    put(g, "conflict", np.arange(5), dimension_names=("x",))
    put(g, "x", np.arange(4), dimension_names=("x",))
    put(g, "square", np.eye(4), dimension_names=("x", "x"))


def case_v2_codecs(g):
    d = rng.normal(size=(5, 7)).round(3)
    put(g, "plain", d, compressors=None)
    put(g, "zlib", d, compressors=numcodecs.Zlib())
    put(g, "gzip", d, compressors=numcodecs.GZip())
    put(g, "lz4", d, compressors=numcodecs.LZ4())
    put(g, "zstd", d, compressors=numcodecs.Zstd())
    for name in ("lz4", "lz4hc", "blosclz", "zlib", "zstd"):
        put(g, f"blosc_{name}", d, compressors=numcodecs.Blosc(cname=name, shuffle=2))
    put(g, "fortran", d, order="F")
    put(g, "fortran_3d", rng.integers(0, 99, (3, 4, 5)), order="F", compressors=None)
    put(g, "fortran_complex", d[:3] + 1j * d[2:], order="F")
    put(g, "big_endian", d.astype(">f8"))
    put(g, "big_endian_int", np.arange(5).astype(">i4"))
    put(g, "slashes", d, chunk_key_encoding={"name": "v2", "separator": "/"})
    put(g, "shuffle", d, filters=[numcodecs.Shuffle(8)], compressors=numcodecs.Zlib())
    put(g, "shuffle_complex", d * 1j, filters=[numcodecs.Shuffle(16)], compressors=numcodecs.Zlib())
    put(g, "delta", np.arange(20).reshape(4, 5), filters=[numcodecs.Delta(dtype="i8")])


def case_v2_types(g):
    for t in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        info = np.iinfo(t)
        put(g, t, np.array([info.min, 0, 1, info.max], dtype=t))
    for t in ("f2", "f4", "f8"):
        put(g, t, np.array([0, -0.5, 1.5, np.nan, np.inf, -np.inf], dtype=t))
    put(g, "c8", np.array([1 + 2j, complex(np.nan, 1), 0], dtype="c8"))
    put(g, "c16_big", np.array([1 + 2j, -3.5j, 0], dtype=">c16"))
    put(g, "bool", np.array([True, False, True]))
    put(g, "object_text", np.array(["a", "", "µm 数据"], dtype="T"), dtype=str)
    put(g, "fixed_text", np.array(["a", "", "µm"], dtype="<U3"))
    put(g, "fixed_text_big", np.array(["a", "", "µm"], dtype=">U3"))
    put(g, "fixed_bytes", np.array([b"a", b"", b"xyz"], dtype="S3"))
    put(g, "datetime", np.array(["2024-01-01", "NaT"], dtype="M8[ns]"))
    put(g, "scalar", np.array(7))
    a = g.create_array("missing_complex", shape=(4,), chunks=(2,), dtype="c16", fill_value=complex(np.nan, -1))
    a[0] = 3j
    a = g.create_array("missing_null", shape=(4,), chunks=(2,), dtype="i4", fill_value=None)
    a[0] = 3
    a = g.create_array("missing_bytes", shape=(4,), chunks=(2,), dtype="S2", fill_value=b"zz")
    a[0] = b"a"


def dataset():
    return xr.Dataset(
        {
            "signal": (("t", "ch"), rng.normal(size=(6, 3)), {"units": "V", "long_name": "Signal"}),
            "packed": (("t",), np.array([1.0, np.nan, 3, 4, 5, 6]), {"units": "K"}),
            "gain": ((), 2.5),
            "count": (("t",), np.arange(6, dtype="i4")),
        },
        coords={
            "t": ("t", np.arange(6) * 1e-6, {"units": "s"}),
            "time": ("t", np.array("2024-05-01", dtype="M8[ns]") + np.arange(6) * np.timedelta64(1, "s")),
            "label": ("ch", ["a", "b", "µ"]),
            "temperature": ((), 0.02, {"units": "K"}),
        },
        attrs={"title": "xarray", "n": 6},
    )


ENCODING = {"packed": {"dtype": "i2", "_FillValue": -9, "scale_factor": 0.5}}


def main(folder):
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    for name, make in list(globals().items()):
        if name.startswith("case_"):
            case = name.removeprefix("case_")
            target = folder / f"{case}.zarr"
            shutil.rmtree(target, ignore_errors=True)
            group = zarr.create_group(str(target), zarr_format=int(case[1]))
            make(group)
            (folder / "truth" / f"{case}.json").write_text(json.dumps(truth(zarr.open(str(target), mode="r"))))
    for version in (2, 3):
        target = folder / f"xarray_v{version}.zarr"
        shutil.rmtree(target, ignore_errors=True)
        ds = dataset()
        ds.to_zarr(str(target), zarr_format=version, consolidated=version == 2, encoding=ENCODING)
        xr.open_zarr(str(target), consolidated=False, mask_and_scale=False, decode_times=False).load().to_netcdf(
            folder / "truth" / f"xarray_v{version}.nc", engine="h5netcdf")
    target = folder / "lone_array.zarr"
    shutil.rmtree(target, ignore_errors=True)
    zarr.create_array(str(target), shape=(3,), chunks=(2,), dtype="f8")[...] = [1, 2, 3]


main(Path(sys.argv[1]))
